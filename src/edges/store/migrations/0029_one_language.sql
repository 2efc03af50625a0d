-- The language of a document is one language in capitals too, and so is the hash of its file: both are kept in lower case. Where a document
-- stood in two writings, what was said last stays.

UPDATE file SET rows_written = rows_written - (
  SELECT count(*) FROM document d
  WHERE d.file_no = file.file_no AND EXISTS (
    SELECT 1 FROM document o
    WHERE o.doc_kind = d.doc_kind AND o.doc_no = d.doc_no AND o.article_no = d.article_no AND o.customer_no = d.customer_no
      AND lower(o.language) = lower(d.language) AND (o.active, o.file_no, o.row_id) > (d.active, d.file_no, d.row_id)
  )
)
WHERE file_no IN (SELECT file_no FROM document);

DELETE FROM document WHERE EXISTS (
  SELECT 1 FROM document o
  WHERE o.doc_kind = document.doc_kind AND o.doc_no = document.doc_no AND o.article_no = document.article_no
    AND o.customer_no = document.customer_no AND lower(o.language) = lower(document.language)
    AND (o.active, o.file_no, o.row_id) > (document.active, document.file_no, document.row_id)
);

UPDATE document SET language = lower(language), sha256 = lower(sha256)
WHERE language <> lower(language) OR sha256 <> lower(sha256);

UPDATE OR REPLACE document_extra SET language = lower(language) WHERE language <> lower(language);
