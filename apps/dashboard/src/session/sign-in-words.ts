import type { LateWords } from '../words/late-words';

export const signInWords: LateWords<'hint' | 'failed' | 'away'> = {
  en: {
    hint: 'You come back to where you are now.',
    failed: 'The sign-in did not succeed ({code}). Try again; if it fails again, tell the people who run Tocsin.',
    away: 'The sign-in service does not answer at the moment ({code}). Try again in a minute.',
  },
  es: {
    hint: 'Después vuelve a esta misma página.',
    failed:
      'No se pudo iniciar la sesión ({code}). Inténtelo de nuevo; si vuelve a fallar, avise a quien administra Tocsin.',
    away: 'El servicio de inicio de sesión no responde en este momento ({code}). Inténtelo de nuevo en un minuto.',
  },
};
