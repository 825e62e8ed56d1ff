-- A dead letter is numbered by its time (`bury_letters`). The sequence remembers the highest number, so that none comes twice.
grant usage, update on sequence dead_letter_dead_letter_id_seq to tocsin_definer;
