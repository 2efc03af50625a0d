-- Characters that the partner's encoding lacks and that something else was written for (replace_unmappable of the layout).
ALTER TABLE run ADD COLUMN unmapped INTEGER NOT NULL DEFAULT 0;
