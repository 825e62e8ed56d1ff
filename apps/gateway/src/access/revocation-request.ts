import { IsString, Length, Matches, validateSync, ValidateIf } from 'class-validator';
import { decodeBody, readInstant } from '@tocsin/messages';
import { Refused, TENANT_ID_PATTERN, type InputError, type TenantId } from '@tocsin/contracts';
import type { NewRevocation } from '@tocsin/contracts/ports';

/** One revocation is a few short names. */
const MAX_BODY_BYTES = 4 * 1024;
/** What a token's user may be, and what is kept of a token's id. */
const MAX_NAME_LENGTH = 255;

/** Null is not absence here: whoever sends `tenant_id: null` by mistake must not take everything from the user. */
const given = (name: keyof NewRevocation) => ValidateIf((request: RevocationRequest) => request[name] !== undefined);

/** The body of `POST /api/v1/revocations`. */
export class RevocationRequest implements NewRevocation {
  @IsString() @Length(1, MAX_NAME_LENGTH) user_id!: string;
  @given('tenant_id')
  @IsString()
  @Matches(TENANT_ID_PATTERN, { message: 'tenant_id must be 1 to 64 of A-Z a-z 0-9 . _ -' })
  tenant_id?: TenantId;
  @given('jti') @IsString() @Length(1, MAX_NAME_LENGTH) jti?: string;
  @given('issued_before')
  @IsString()
  @Matches(/^\d{4}-\d\d-\d\d/, { message: 'issued_before must be a time in ISO 8601' })
  issued_before?: string;
}

/** Of these at most one. */
const SUBJECTS = ['tenant_id', 'jti', 'issued_before'] as const;
const FIELDS: readonly string[] = ['user_id', ...SUBJECTS];

/** Strict: a revocation that was not understood takes nothing back. Throws `Refused`, with a pointer to what is wrong. */
export function readRevocation(body: Uint8Array): NewRevocation {
  const decoded = decodeBody(body, MAX_BODY_BYTES);
  if (!decoded.ok)
    throw new Refused(decoded.code === 'message_too_large' ? 'body_too_large' : decoded.code, decoded.detail);
  const { value } = decoded;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Refused('invalid_json', 'The body must be a JSON object.');

  const unknown = Object.keys(value).filter((name) => !FIELDS.includes(name));
  refuse(
    'unknown_field',
    unknown.map((name) => errorAt(name, 'unknown_field', `Unknown field. There are ${FIELDS.join(', ')}.`)),
  );
  const request = Object.assign(new RevocationRequest(), value);
  const errors = validateSync(request, { forbidUnknownValues: true }).map(({ property, constraints }) =>
    errorAt(property, 'invalid_field', `${Object.values(constraints ?? {})[0] ?? 'is not valid'}.`),
  );
  refuse('invalid_field', errors);
  const subjects = SUBJECTS.filter((name) => request[name] !== undefined);
  if (subjects.length > 1)
    refuse(
      'invalid_field',
      subjects.map((name) => errorAt(name, 'invalid_field', `Give at most one of ${SUBJECTS.join(', ')}.`)),
    );

  const { user_id, tenant_id, jti } = request;
  const issued_before = request.issued_before === undefined ? undefined : readInstant(request.issued_before);
  if (request.issued_before !== undefined && issued_before === undefined)
    refuse('invalid_field', [errorAt('issued_before', 'invalid_field', 'issued_before must be a time in ISO 8601.')]);
  return { user_id, ...(tenant_id && { tenant_id }), ...(jti && { jti }), ...(issued_before && { issued_before }) };
}

function refuse(code: 'unknown_field' | 'invalid_field', errors: readonly InputError[]): void {
  if (errors[0]) throw new Refused(code, errors[0].detail, { errors });
}

const errorAt = (name: string, code: 'unknown_field' | 'invalid_field', detail: string): InputError => ({
  pointer: `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
  code,
  detail,
});
