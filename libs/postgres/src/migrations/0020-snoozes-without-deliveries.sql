-- It takes one argument more, with a default: beside the new function, the old one would make each call ambiguous.
drop function if exists wake_snoozed(text[]);
