import { useLateWords, type LateWords } from '../words/late-words';

type WordId =
  | 'all'
  | 'some'
  | 'part'
  | 'label'
  | 'find'
  | 'pinned'
  | 'others'
  | 'quiet'
  | 'none'
  | 'add'
  | 'pin'
  | 'unpin'
  | 'hint'
  | 'limit'
  | 'choose'
  | 'elsewhere'
  | 'elsewhere.notKnown'
  | 'show'
  | 'overview'
  | 'chart'
  | 'chart.notKnown'
  | 'fullScreen'
  | 'close';

export const tenantWords: LateWords<WordId> = {
  en: {
    all: 'All {count, number} tenants',
    some: '{count, number} tenants',
    part: '{count, number} of {of, number} tenants',
    label: 'Tenants',
    find: 'Find a tenant',
    pinned: 'Pinned',
    others: 'By worst open alert',
    quiet: '{count, number} quiet',
    none: 'No tenant has this name.',
    add: '{name} too',
    pin: 'Pin {name}',
    unpin: 'Unpin {name}',
    hint: 'Enter takes the first · 1–9 the pinned',
    limit: 'Showing {count, number} of {of, number} tenants',
    choose: 'Choose',
    elsewhere: '{count, number}{more} urgent in {of, plural, one {# other tenant} other {# other tenants}}',
    'elsewhere.notKnown': 'Not known: urgent alerts of other tenants.',
    show: 'Show',
    overview: 'Overview of the tenants',
    chart: 'New alerts of the last 24 hours: {count}',
    'chart.notKnown': 'New alerts of the last 24 hours: not known',
    fullScreen: 'Full screen',
    close: 'Back to the list',
  },
  es: {
    all: 'Las {count, number} organizaciones',
    some: '{count, number} organizaciones',
    part: '{count, number} de {of, number} organizaciones',
    label: 'Organizaciones',
    find: 'Buscar una organización',
    pinned: 'Fijadas',
    others: 'Por la alerta abierta más grave',
    quiet: '{count, number} en calma',
    none: 'Ninguna organización se llama así.',
    add: 'También {name}',
    pin: 'Fijar {name}',
    unpin: 'No fijar {name}',
    hint: 'Intro toma la primera · 1–9 las fijadas',
    limit: 'Se muestran {count, number} de {of, number} organizaciones',
    choose: 'Elegir',
    elsewhere:
      '{count, plural, one {#{more} urgente} other {#{more} urgentes}} en {of, plural, one {otra organización} other {otras # organizaciones}}',
    'elsewhere.notKnown': 'No se sabe si otras organizaciones tienen alertas urgentes.',
    show: 'Mostrar',
    overview: 'Resumen de las organizaciones',
    chart: 'Alertas nuevas de las últimas 24 horas: {count}',
    'chart.notKnown': 'Alertas nuevas de las últimas 24 horas: no se sabe',
    fullScreen: 'Pantalla completa',
    close: 'Volver a la lista',
  },
};

export const useTenantWords = () => useLateWords(tenantWords);
