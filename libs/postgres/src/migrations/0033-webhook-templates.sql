-- A Liquid template that writes the bodies of a webhook, in place of its format. Null: the format writes them.
alter table webhook_endpoint add column template text check (length(template) between 1 and 16384);

-- Its new parameter has a default, so gateways of the version before call it as they did. A second function beside it
-- would make their call ambiguous.
drop function if exists change_webhook_endpoint(text[], uuid, text, text, text[], text, boolean, boolean);
