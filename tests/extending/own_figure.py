from tuneoff.plugins import register


@register("figure", "score_by_learning_rate")
class ScoreByLearningRate:
    """Validation score by learning rate, a dot a trial.

    Read it from left to right: where the dots of a search lie highest, its learning rate was best.
    """

    @staticmethod
    def data(block, frames):
        trials = frames.finished().trials.dropna(subset=["validation"])
        if trials.empty or "hp_learning_rate" not in trials:
            return None
        return trials[["algorithm", "hp_learning_rate", "validation"]].assign(
            color=trials["algorithm"].map(frames.algorithms.color)
        )

    @staticmethod
    def draw(data, figure):
        axes = figure.subplots()
        axes.scatter(data["hp_learning_rate"], data["validation"], c=data["color"], s=9)
        axes.set_xscale("log")
        axes.set_xlabel("learning rate")
        axes.set_ylabel("validation score")
