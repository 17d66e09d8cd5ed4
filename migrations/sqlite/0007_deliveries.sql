-- Recipients of an e-mail whom the relay took it for, as JSON: a further attempt leaves them out.
alter table delivery add column reached text not null default '[]';

-- Each receiver has a queue of its own.
create index delivery_queue on delivery (receiver, status, due);
