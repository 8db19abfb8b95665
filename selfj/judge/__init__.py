"""The judge: trained by self-distillation, kept as an ordinary model folder with a judge.json."""
