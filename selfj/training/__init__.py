"""The one training loop: Ray Train starts the workers, DeepSpeed steps the weights, an objective says what is learnt."""
