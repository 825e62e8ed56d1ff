import type { PushStatus } from '@tocsin/react-client';
import type { LateWords } from '../words/late-words';

type WordId = `why.${Exclude<PushStatus, 'on' | 'off'>}` | 'label' | 'notKnown' | 'failed';

export const pushWords: LateWords<WordId> = {
  en: {
    label: 'Alerts while the page is closed',
    'why.denied': 'This browser blocks notifications of this site. Allow them in its settings.',
    'why.unsupported': 'This browser cannot do it, or the page is not opened over https.',
    'why.not_offered': 'This installation sends no push messages.',
    notKnown: 'Not known: {detail}',
    failed: 'That did not work: {detail}',
  },
  es: {
    label: 'Alertas con la página cerrada',
    'why.denied': 'Este navegador bloquea las notificaciones de este sitio. Permítalas en sus ajustes.',
    'why.unsupported': 'Este navegador no puede hacerlo, o la página no se ha abierto por https.',
    'why.not_offered': 'Esta instalación no envía mensajes push.',
    notKnown: 'No se sabe: {detail}',
    failed: 'No ha funcionado: {detail}',
  },
};
