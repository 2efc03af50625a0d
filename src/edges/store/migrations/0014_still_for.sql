-- Addresses of a mail that its server put off (greylisting, a full box) while it took the letter for others: only they get it again.
ALTER TABLE notice ADD COLUMN still_for TEXT NOT NULL DEFAULT '';
