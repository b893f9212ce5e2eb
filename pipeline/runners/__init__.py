"""Where the parts of a pipeline that run on Beam are computed: here, or by workers of a cluster."""
