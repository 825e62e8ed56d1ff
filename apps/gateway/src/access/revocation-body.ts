import { IsString, Length, Matches } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { TENANT_ID_PATTERN, type TenantId } from '@tocsin/contracts';
import { readInstant } from '@tocsin/messages';
import type { NewRevocation } from '@tocsin/contracts/ports';
import { AtMostOneOf, Described, IsInstant, MayBeAbsent } from '../request/field-rules';

/** The longest user name or token id that is accepted, in characters. */
const MAX_NAME_LENGTH = 255;
/** The parser also reads other forms of time; the documentation shows the form that clients should send. */
const ISSUED_BEFORE = {
  type: 'string' as const,
  description: 'Revokes tokens issued before this time.',
  anyOf: [{ format: 'date-time' }, { format: 'date' }],
};
const SUBJECTS = ['tenant_id', 'jti', 'issued_before'] as const;

/**
 * The body of `POST /api/v1/revocations`. Set at most one of tenant_id, jti, issued_before. With none, every token of
 * the user issued until now is revoked.
 */
@Described(
  'The user, and at most one of tenant_id, jti, issued_before. With none, every token of the user issued until now is revoked.',
  { maxProperties: 2 },
)
export class RevocationBody implements NewRevocation {
  @Described('The user whose right is revoked.') @IsString() @Length(1, MAX_NAME_LENGTH) user_id!: string;
  @Described("Revokes the user's access to this tenant.")
  @MayBeAbsent()
  @IsString()
  @Matches(TENANT_ID_PATTERN, { message: 'tenant_id must be 1 to 64 of A-Z a-z 0-9 . _ -' })
  @AtMostOneOf(SUBJECTS)
  tenant_id?: TenantId;
  @Described('Revokes the token with this id.')
  @MayBeAbsent()
  @IsString()
  @Length(1, MAX_NAME_LENGTH)
  @AtMostOneOf(SUBJECTS)
  jti?: string;
  @JSONSchema(() => ISSUED_BEFORE)
  @MayBeAbsent()
  @IsString()
  @Matches(/^\d{4}-\d\d-\d\d/, { message: 'issued_before must be a time in ISO 8601' })
  @IsInstant()
  @AtMostOneOf(SUBJECTS)
  issued_before?: string;
}

/** The revocation that a body describes, with its time in the form that is stored. */
export const revocationOf = ({ user_id, tenant_id, jti, issued_before }: RevocationBody): NewRevocation => ({
  user_id,
  ...(tenant_id && { tenant_id }),
  ...(jti && { jti }),
  ...(issued_before && { issued_before: readInstant(issued_before)! }),
});
