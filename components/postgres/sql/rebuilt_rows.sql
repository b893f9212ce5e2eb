-- What a table held after a publication: of each key the newest row among its layers.
SELECT DISTINCT ON ({key}) {columns}
FROM {history}
WHERE publication_id = ANY({layers}::bigint[])
ORDER BY {key}, publication_id DESC
