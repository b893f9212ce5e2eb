"""StatisticsGen: TFX's StatisticsGen, without Beam."""
