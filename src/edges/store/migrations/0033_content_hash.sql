-- Whoever tells a document finds its bytes by their hash.
CREATE INDEX content_hash ON content (sha256);
