-- The moment that the published areas speak of; NULL where nothing was published.
SELECT max(predicted_at) FROM public.product_area_impact
