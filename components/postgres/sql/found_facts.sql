-- What can be said of rows that are there without a publication.
SELECT count(*),
       coalesce(max(predicted_at) FILTER (WHERE isfinite(predicted_at)), now()),
       coalesce((array_agg(model_version::text ORDER BY predicted_at DESC NULLS LAST))[1], 'none')
FROM {rows}
