"""What every page is made of: blocks, templates, colours, pictures, numbers in words."""
