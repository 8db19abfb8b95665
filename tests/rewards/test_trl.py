import asyncio
import math
import pickle

import pytest

from selfj.rewards import RewardError
from selfj.rewards.trl import NOT_TEXT, AsyncTrlReward, TrlReward
from tests.tiny_models import make_model


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **further):
    return [{"role": "assistant", "content": text, **further}]


class Logged:
    """What TRL passes to reward functions beside the texts."""

    def __init__(self):
        self.metrics, self.columns = {}, {}

    def arguments(self, **further):
        return {
            "completion_ids": [[1]],
            "trainer_state": None,
            "log_metric": self.metrics.__setitem__,
            "log_extra": self.columns.__setitem__,
            **further,
        }


@pytest.fixture(params=["sync", "async"])
def rewarded(request, served):
    """Rewards of prompts and completions, by either form of the reward function."""

    def call(prompts, completions, logged=None, **settings):
        arguments = {"prompts": prompts, "completions": completions, **(logged or Logged()).arguments(label=["x"] * len(prompts))}
        if request.param == "sync":
            return TrlReward(base_url=served.url, **settings)(**arguments)
        return asyncio.run(AsyncTrlReward(base_url=served.url, **settings)(**arguments))

    return call


def test_texts_get_rewards_and_what_cannot_be_judged_none(rewarded):
    assert rewarded(["a", "a", "b"], ["good", "long", "bad"]) == [1.0, None, pytest.approx(1 / 9)]
    assert rewarded(["a", "a", "b"], ["good", "long", "bad"], scale="margin", missing=0.0) == [4.0, 0.0, -4.0]


def test_conversations_are_judged_by_their_last_turn(rewarded, served):
    system = {"role": "system", "content": "Be brief."}
    prompts = [[user("a")], [system, user("a")], [user([{"type": "text", "text": "b"}])]]
    assert rewarded(prompts, [assistant("good"), assistant("bad"), assistant([{"type": "text", "text": "good"}])]) == [
        1.0,
        pytest.approx(1 / 9),
        1.0,
    ]
    assert {question.instruction for question in served.judge.asked} == {"a", "Be brief.\n\na", "b"}


def test_images_and_tools_are_not_judged_and_the_table_of_completions_says_why(rewarded):
    logged = Logged()
    image = [user([{"type": "image"}, {"type": "text", "text": "a"}])]
    call = assistant("", tool_calls=[{"type": "function"}])
    used = [*call, {"role": "tool", "content": "4"}, *assistant("good")]
    assert rewarded([image, [user("a")], [user("a")], [user("a")]], [assistant("good"), call, used, []], logged) == [None] * 4
    assert logged.columns["selfj_reason"] == [NOT_TEXT] * 4 and logged.metrics["selfj/judged"] == 0


def test_the_log_gets_the_shares_that_were_judged_and_would_be_answered(rewarded):
    logged = Logged()
    rewarded(["a"] * 4, ["good", "bad", "long", "fair"], logged)
    assert logged.metrics == {"selfj/judged": 0.75, "selfj/answered": 0.5}
    assert logged.columns == {"selfj_reason": ["", "", "instruction alone takes 900 of 512 tokens", ""]}


def test_an_endpoint_that_is_gone_stops_the_training():
    with pytest.raises(RewardError):
        TrlReward(base_url="http://127.0.0.1:9", tries=1)(prompts=["a"], completions=["b"])


@pytest.mark.parametrize("kind", [TrlReward, AsyncTrlReward])
def test_a_reward_function_can_be_sent_to_another_process(kind):
    copy = pickle.loads(pickle.dumps(kind(scale="margin", model="pocket@coverage=0.8")))
    assert copy.settings.scale == "margin" and copy.settings.model == "pocket@coverage=0.8" and copy.__name__ == "selfj"


@pytest.mark.parametrize("kind", [TrlReward, AsyncTrlReward])
def test_trls_trainer_learns_from_the_rewards_and_leaves_out_what_was_not_judged(served, tmp_path, kind):
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    make_model(tmp_path / "model", "llama")
    served.judge.scores = {}
    served.judge.default = None
    asked = served.judge.asked

    async def rate(questions, request_id, rated=served.judge.rate):
        served.judge.scores = {question.response: float(len(question.response) % 10) for question in questions[1:]}
        return await rated(questions, request_id)

    served.judge.rate = rate
    settings = GRPOConfig(
        output_dir=str(tmp_path / "out"),
        per_device_train_batch_size=4,
        num_generations=4,
        max_completion_length=8,
        max_steps=1,
        logging_steps=1,
        report_to=[],
        use_cpu=True,
        save_strategy="no",
        disable_tqdm=True,
    )
    rows = Dataset.from_list([{"prompt": [user("What is 12 + 34?")]}] * 4)
    trainer = GRPOTrainer(str(tmp_path / "model"), reward_funcs=kind(base_url=served.url), args=settings, train_dataset=rows)
    trainer.train()
    log = trainer.state.log_history[0]
    assert {question.instruction for question in asked} == {"What is 12 + 34?"}
    rewards = [len(question.response) % 10 / 9 for question in asked[1:]]
    assert 0 < log["selfj/judged"] < 1 and math.isfinite(log["reward"]) and math.isfinite(log["loss"])
    assert log["rewards/selfj/mean"] == pytest.approx(sum(rewards) / len(rewards), abs=1e-4)
