/** LEFT-TO-RIGHT OVERRIDE and RIGHT-TO-LEFT OVERRIDE. */
const OVERRIDES = /[\u202d\u202e]/g;

/**
 * A service's text without the characters that turn the letters after them around: with one, `exe.png` is shown of a
 * text that reads `gnp.exe`. Text in Arabic or Hebrew needs none of them.
 */
export const shownText = (text: string): string => text.replace(OVERRIDES, '');
