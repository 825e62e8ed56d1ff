import {
  ValidateBy,
  ValidatorConstraint,
  type ValidationOptions,
  type ValidatorConstraintInterface,
} from 'class-validator';
import { readInstant } from './instant';

/** How many labels a message may have, and how many characters their names and values. */
export const LABEL_LIMITS = { count: 32, key: 100, value: 500 } as const;

/** Whether a text has at most so many characters: code points, as JSON Schema counts them, and neither code units nor what they look like. */
export function hasAtMost(text: string, most: number): boolean {
  if (text.length <= most) return true;
  if (text.length > 2 * most) return false;
  let characters = 0;
  for (const _ of text) characters += 1;
  return characters <= most;
}

/** `@MaxLength`, by the one measure: class-validator's own lets a character and its variation selector pass for one. */
export const MaxCharacters = (most: number, options?: ValidationOptions): PropertyDecorator =>
  ValidateBy(
    {
      name: 'maxLength',
      constraints: [most],
      validator: {
        validate: (value: unknown) => typeof value === 'string' && hasAtMost(value, most),
        defaultMessage: (told) => `${told?.property ?? ''} must be shorter than or equal to ${most} characters`,
      },
    },
    options,
  );

/** A time as it is stored and sent: what the reader of times gave, and nothing that only looks like one. */
export const IsReadInstant = (): PropertyDecorator =>
  ValidateBy({
    name: 'isIso8601',
    validator: {
      validate: (value: unknown) => typeof value === 'string' && readInstant(value) === value,
      defaultMessage: (told) =>
        `${told?.property ?? ''} must be an ISO 8601 date and time, or epoch seconds or milliseconds`,
    },
  });

@ValidatorConstraint({ name: 'isLabelMap' })
export class IsLabelMap implements ValidatorConstraintInterface {
  validate(value: unknown): boolean {
    return (
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      Object.values(value).every((label) => typeof label === 'string')
    );
  }
  defaultMessage = () => 'labels must be a flat map of strings';
}

@ValidatorConstraint({ name: 'labelLimit' })
export class LabelLimit implements ValidatorConstraintInterface {
  validate(value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return true;
    const labels = Object.entries(value);
    return (
      labels.length <= LABEL_LIMITS.count &&
      labels.every(
        ([key, label]) =>
          hasAtMost(key, LABEL_LIMITS.key) && (typeof label !== 'string' || hasAtMost(label, LABEL_LIMITS.value)),
      )
    );
  }
  defaultMessage = () =>
    `labels must be at most ${LABEL_LIMITS.count}, with keys up to ${LABEL_LIMITS.key} and values up to ${LABEL_LIMITS.value} characters`;
}
