-- The newest deliveries that a browser has taken and other browsers of its user had yet to get. It was the last one alone.
alter table push_subscription
  alter column taken type uuid[] using array_remove(array[taken], null),
  alter column taken set default '{}',
  alter column taken set not null;
