import { parse } from 'node:querystring';
import { jsonObjectOf } from '../json-object';
import { RequestPipe } from '../request.pipe';

const pipe = new RequestPipe();

/** Reads a body as its route does. Rejects with `Refused`. */
export const bodyAs = async <T extends object>(metatype: new () => T, bytes: Buffer): Promise<T> =>
  (await pipe.transform(jsonObjectOf(bytes), { type: 'body', metatype })) as T;

/** Reads a query, the text after the question mark, as its route does. Rejects with `Refused`. */
export const queryAs = async <T extends object>(metatype: new () => T, text: string): Promise<T> =>
  (await pipe.transform(parse(text, '&', '=', { maxKeys: 0 }), { type: 'query', metatype })) as T;
