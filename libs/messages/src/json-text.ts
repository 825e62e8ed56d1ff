import { fitsInMetadata } from './decode-body';

/**
 * A JSON value as text. `String` throws for an object whose `toString` is not a function, and JSON can contain such an
 * object.
 */
export const asText = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));

/** A value that would nest too deeply below `metadata` is stored as its JSON text. */
export const asDeepAsMayBe = (value: unknown): unknown => (fitsInMetadata(value) ? value : JSON.stringify(value));
