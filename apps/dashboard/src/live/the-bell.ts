import { Bell } from './bell';

/** A page has one bell: browsers count the sounds of a page, not of its parts. */
export const bell = new Bell();
