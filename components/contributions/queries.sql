-- name: publication_to_record
-- One publication of account scores, as far as its parts are concerned; no row if there is none.
SELECT as_of, model_version, undone_at IS NOT NULL AS undone
FROM tens_insight.publications
WHERE publication_id = %(publication_id)s AND target_table = 'account_risk_scores'

-- name: recorded_rows
-- What was written of a publication before.
SELECT accounts, digest
FROM tens_insight.contribution_layouts
WHERE publication_id = %(publication_id)s

-- name: digest_of_rows
-- How many rows were to be written, and the sum of hashes of them, whatever their order.
SELECT count(*) AS accounts, coalesce(sum(hash_record_extended(staged, 0)), 0) AS digest
FROM {staging} AS staged

-- name: digest_of_written
-- Likewise of the rows of a publication.
SELECT count(*) AS accounts, coalesce(sum(hash_record_extended(written, 0)), 0) AS digest
FROM (SELECT {columns} FROM tens_insight.account_contributions
      WHERE publication_id = %(publication_id)s) AS written

-- name: published_probabilities
-- What one publication says of each account.
SELECT account_id, churn_probability AS probability
FROM tens_insight.account_risk_score_history
WHERE publication_id = %(publication_id)s

-- name: probabilities_and_groups
-- The parts of one publication: the probability of one horizon, and contributions of groups.
SELECT account_id, probabilities[%(place)s] AS probability{groups}
FROM tens_insight.account_contributions
WHERE publication_id = %(publication_id)s

-- name: record_layout
INSERT INTO tens_insight.contribution_layouts
    (publication_id, horizons, horizon_days, groups, accounts, digest)
VALUES (%(publication_id)s, %(horizons)s, %(horizon_days)s, %(groups)s::text[], %(accounts)s,
        %(digest)s)

-- name: drop_contributions
-- The parts of publications; their rows in score_changes stay.
WITH layouts AS (
    DELETE FROM tens_insight.contribution_layouts WHERE publication_id = ANY (%(expired)s)
)
DELETE FROM tens_insight.account_contributions WHERE publication_id = ANY (%(expired)s)

-- name: former_with_parts
-- The publication before one, among those that were not undone and whose parts are kept.
SELECT publication_id
FROM tens_insight.score_publications
WHERE publication_id < %(publication_id)s AND NOT undone AND groups IS NOT NULL
ORDER BY publication_id DESC
LIMIT 1

-- name: drop_change
DELETE FROM tens_insight.score_changes WHERE publication_id = %(publication_id)s

-- name: drop_old_changes
-- The changes of publications as of more than so many days before the newest.
DELETE FROM tens_insight.score_changes
WHERE publication_id IN (
    SELECT publication_id
    FROM tens_insight.score_publications
    WHERE as_of <= (SELECT max(as_of) FROM tens_insight.score_publications)
                       - make_interval(days => %(days)s))

-- name: append_changes
INSERT INTO tens_insight.score_changes
    (publication_id, former_publication_id, part, feature_group, accounts, change)
SELECT %(publication_id)s, %(former)s, part, feature_group, accounts, change
FROM unnest(%(part)s::text[], %(feature_group)s::text[], %(accounts)s::bigint[],
            %(change)s::double precision[]) AS one (part, feature_group, accounts, change)

-- name: steps_between
-- Why the mean changed with each publication after one and up to another, as it was recorded.
SELECT publication_id, former_publication_id, part, feature_group, accounts, change
FROM tens_insight.score_changes
WHERE publication_id > %(before)s AND publication_id <= %(after)s
ORDER BY publication_id, feature_group

-- name: publications_with_parts
SELECT publication_id, run.as_of, run.undone_at IS NOT NULL AS undone
FROM tens_insight.contribution_layouts AS layout
JOIN tens_insight.publications AS run USING (publication_id)

-- name: side_of_change
-- One publication; horizons and groups are NULL where its parts are not kept. Two models that share
-- the accounts are another model than either alone.
SELECT publication_id, as_of,
       model_version
           || coalesce((SELECT ' and ' || (run.split ->> 'b') || ', split ' || (run.split ->> 'number')
                        FROM tens_insight.score_windows AS run
                        WHERE run.publication_id = shown.publication_id), '') AS model_version,
       horizon_days, groups, array_position(horizons, horizon_days) AS place
FROM tens_insight.score_publications AS shown
WHERE publication_id = %(publication_id)s

-- name: change_sums
-- What two publications have in common and what not: counts, sums of probabilities, and of the
-- accounts in both the sum of what each group adds, along the secant of each account.
SELECT count(a.p) AS accounts_before, count(b.p) AS accounts_after,
       count(*) FILTER (WHERE a.p IS NOT NULL AND b.p IS NOT NULL) AS accounts_in_both,
       coalesce(sum(a.p), 0) AS sum_before, coalesce(sum(b.p), 0) AS sum_after,
       coalesce(sum(a.p) FILTER (WHERE b.p IS NOT NULL), 0) AS sum_before_in_both,
       coalesce(sum(b.p) FILTER (WHERE a.p IS NOT NULL), 0) AS sum_after_in_both,
       ARRAY[{groups}]::double precision[] AS group_sums
FROM {before} AS a
FULL JOIN {after} AS b USING (account_id)
CROSS JOIN LATERAL (
    SELECT CASE WHEN abs(b.l - a.l) > {narrow} THEN (b.p - a.p) / (b.l - a.l)
                ELSE (a.p + b.p) / 2 * (1 - (a.p + b.p) / 2) END AS slope
    OFFSET '0') AS secant

-- name: change_rows
-- The parts of one publication, as change_sums reads them: a FROM item. What lies behind OFFSET is
-- computed once for an account, and not wherever it is read, as often as there are groups.
(SELECT account_id, p, ln(cut / (1 - cut)) AS l, c
 FROM (SELECT account_id, probabilities[{place}]::double precision AS p,
              least(greatest(probabilities[{place}]::double precision, {smallest}), {largest})
                  AS cut,
              log_odds AS c
       FROM tens_insight.account_score_parts
       WHERE publication_id = {publication_id}
       OFFSET '0') AS cut
 OFFSET '0')

-- name: change_by_former_model
-- Of the accounts in both: how far the former model moves them, which scored the later publication
-- in shadow.
SELECT count(*) AS accounts, coalesce(sum(q.p - a.p), 0) AS moved
FROM {before} AS a
JOIN {after} AS b USING (account_id)
JOIN (SELECT account_id,
             probabilities[array_position(shadow.horizons, %(horizon_days)s)]::double precision AS p
      FROM tens_insight.shadow_models AS shadow
      JOIN tens_insight.shadow_scores USING (publication_id, place)
      WHERE publication_id = %(publication_id)s AND shadow.model_version = %(former_model)s
        AND shadow.kept) AS q USING (account_id)
WHERE q.p IS NOT NULL

-- name: change_carriers
-- The accounts that carry most of the change of the mean.
SELECT account_id, a.p AS before, b.p AS after,
       CASE WHEN a.p IS NULL THEN (b.p - %(after_in_both)s) / %(accounts_after)s
            WHEN b.p IS NULL THEN (%(before_in_both)s - a.p) / %(accounts_before)s
            ELSE (b.p - a.p) / %(accounts_in_both)s END AS change,
       a.c AS log_odds_before, b.c AS log_odds_after
FROM {before} AS a
FULL JOIN {after} AS b USING (account_id)
ORDER BY abs(CASE WHEN a.p IS NULL THEN (b.p - %(after_in_both)s) / %(accounts_after)s
                  WHEN b.p IS NULL THEN (%(before_in_both)s - a.p) / %(accounts_before)s
                  ELSE (b.p - a.p) / %(accounts_in_both)s END) DESC,
         account_id COLLATE "C"
LIMIT %(limit)s

-- name: parts_of_account
-- What the kept scores of one account are made of, oldest first; what was undone does not count.
SELECT run.publication_id, run.as_of, run.model_version, part.probability, run.groups,
       part.log_odds
FROM tens_insight.score_publications AS run
CROSS JOIN LATERAL (
    -- One look into the index for each publication, whatever the planner believes.
    SELECT probabilities[array_position(run.horizons, run.horizon_days)]::double precision
               AS probability,
           log_odds
    FROM tens_insight.account_contributions
    WHERE publication_id = run.publication_id AND account_id = %(account_id)s
    LIMIT 1) AS part
WHERE run.groups IS NOT NULL AND NOT run.undone AND run.as_of <= %(as_of)s
ORDER BY run.as_of, run.publication_id

-- name: scores_of_account
-- The scores of one account that runs published, oldest first; what was undone does not count.
SELECT as_of, publication_id, churn_probability, risk_category
FROM tens_insight.account_risk_score_runs
WHERE account_id = %(account_id)s AND undone_at IS NULL AND as_of <= %(as_of)s
  AND kind <> 'incremental'
ORDER BY as_of, publication_id

-- name: comparable_publications
-- Publications of all accounts whose rows are all in the history and were not undone, oldest first.
SELECT publication_id, as_of, model_version, risk_bands, groups IS NOT NULL AS has_parts
FROM tens_insight.score_publications
WHERE NOT undone AND has_all_rows AND kind <> 'incremental'
ORDER BY publication_id

-- name: movers
-- Accounts in one of the bands before or after, and in another one or without a score on the other
-- side; those whose risk rose most first.
SELECT account_id, a.churn_probability AS former_probability, a.risk_category AS former_category,
       b.churn_probability, b.risk_category, count(*) OVER () AS matching
FROM (SELECT account_id, churn_probability, risk_category
      FROM tens_insight.account_risk_score_runs
      WHERE publication_id = %(before)s) AS a
FULL JOIN (SELECT account_id, churn_probability, risk_category
           FROM tens_insight.account_risk_score_runs
           WHERE publication_id = %(after)s) AS b USING (account_id)
WHERE a.risk_category IS DISTINCT FROM b.risk_category
  AND (a.risk_category = ANY (%(bands)s) OR b.risk_category = ANY (%(bands)s))
ORDER BY coalesce(b.churn_probability, 0) - coalesce(a.churn_probability, 0) DESC,
         account_id COLLATE "C"
LIMIT %(limit)s

-- name: parts_of_accounts
-- What the scores of some accounts are made of in one publication.
SELECT account_id, churn_probability, log_odds, customer_tier, region
FROM tens_insight.account_score_parts
WHERE publication_id = %(publication_id)s AND account_id = ANY (%(accounts)s)

-- name: sentences_of_accounts
-- What raises the published risk of some accounts most, in words.
SELECT account_id, reasons
FROM tens_insight.account_risk_details
WHERE account_id = ANY (%(accounts)s) AND publication_id = %(publication_id)s
