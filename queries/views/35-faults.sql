-- title: What could not be read
-- description: One row per record or object that could not be read, with the reason.
SELECT source_object, status, fault['index'] AS record_index, fault['reason'] AS reason, fault['text'] AS text,
       ingest_number, ingested_at
FROM (SELECT source_object, status, ingest_number, ingested_at, unnest(faults) AS fault FROM ledger)
