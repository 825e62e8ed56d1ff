import { useLateWords, type LateWords } from '../words/late-words';
import styles from './drawer.module.css';

const words: LateWords<'scope' | 'role'> = {
  en: {
    scope: 'You may only read here: your sign-in lacks the scope alerts:write. Ask the people who run Tocsin for it.',
    role: 'You may only read in {tenant}: your role there is viewer. Ask an owner of {tenant} for another one.',
  },
  es: {
    scope: 'Aquí solo puede leer: a su sesión le falta el permiso alerts:write. Pídalo a quien administra Tocsin.',
    role: 'En {tenant} solo puede leer: su papel es viewer. Pida otro a un propietario de {tenant}.',
  },
};

/** Says why there are no acts, and whom to ask. */
export default function ReadOnly({ because, tenant }: { because: 'scope' | 'role'; tenant: string }) {
  const late = useLateWords(words);
  return <p className={styles.readOnly}>{late(because, { tenant })}</p>;
}
