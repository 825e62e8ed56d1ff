import { distance } from 'fastest-levenshtein';

/** Up to this many letters may be wrong in a long name. */
const NEAR = 2;
/** From this many characters on, a name is long: in a shorter one, two other letters may well be another name. */
const LONG = 8;

/**
 * One sentence for each variable that is set, that no setting reads, and whose name is nearly that of a setting. Only
 * names with an underscore are looked at: `PAGER` and `PATH` belong to other programs.
 */
export function misspeltSettings(
  names: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  const known = new Set(names.flatMap((name) => [name, `${name}_FILE`]));
  return Object.keys(environment)
    .filter((name) => environment[name] && name.includes('_') && !known.has(name))
    .flatMap((name) => {
      const meant = names.find((setting) => isNear(name, setting));
      return meant ? [`${name} is set, and there is no setting of this name. Did you mean ${meant}?`] : [];
    });
}

function isNear(name: string, setting: string): boolean {
  if (!setting.includes('_') || Math.abs(name.length - setting.length) > NEAR) return false;
  const wrong = distance(name, setting);
  return wrong === 1 || (wrong === NEAR && (setting.length >= LONG || sameLetters(name, setting)));
}

/** Two letters that changed places count as two wrong ones. */
const sameLetters = (a: string, b: string): boolean => [...a].sort().join('') === [...b].sort().join('');
