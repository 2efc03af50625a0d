-- Names without the number of a run: several runs have one name. Whether this one takes the place of what stands there, or waits
-- until it is gone.
ALTER TABLE run ADD COLUMN turn TEXT NOT NULL DEFAULT 'own' CHECK (turn = 'own' OR turn = 'replaces' OR turn = 'waits');
