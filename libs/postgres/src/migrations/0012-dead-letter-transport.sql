-- What else the transport said of a dead letter, for a redrive to say again: how the body is compressed, and the headers that
-- say what the message is (the attributes of a CloudEvent in binary mode, the trace).
alter table dead_letter add column content_encoding text, add column headers jsonb;
