"""Judge-augmented supervised fine-tuning (METHOD.md B, JSFT): pairs → examples → one model that answers and judges."""
