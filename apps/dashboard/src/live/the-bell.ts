import { Bell } from './bell';

/** The one bell of the page: browsers allow sound per page, not per component. */
export const bell = new Bell();
