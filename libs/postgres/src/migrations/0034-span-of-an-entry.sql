-- The span that an entry continues, beside its trace_id. Null when its trace is not sampled, or a person caused it.
alter table event add column span_id text;
