import type { LateWords } from '../words/late-words';

export const assignWords: LateWords<'open' | 'label' | 'hint' | 'go' | 'known' | 'nobody'> = {
  en: {
    open: 'Assign to…',
    label: 'User',
    hint: 'The id of a user as their token has it, often a mail address. It is not checked whether there is such a user.',
    go: 'Assign',
    known: 'Who had or took alerts of this tenant lately',
    nobody: 'Nobody else had or took the newest alerts of this tenant.',
  },
  es: {
    open: 'Asignar a…',
    label: 'Usuario',
    hint: 'El identificador del usuario tal como está en su token, a menudo una dirección de correo. No se comprueba que exista.',
    go: 'Asignar',
    known: 'Quién tuvo o atendió hace poco alertas de este cliente',
    nobody: 'Nadie más tuvo ni atendió las últimas alertas de este cliente.',
  },
};
