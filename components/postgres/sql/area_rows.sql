-- How many pairs are published, and the moment that they speak of.
SELECT count(*), max(predicted_at) FROM public.product_area_impact
