"""From a pipeline's definition to the specs that Kubeflow Pipelines and Vertex take."""
