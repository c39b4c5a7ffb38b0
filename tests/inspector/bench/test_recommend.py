from __future__ import annotations

from inspector.bench import Row, Spread, recommend


def forward(
    threads: int, batch: int, milliseconds: float, provider: str = "cpu", work: str = "forward"
) -> Row:
    spread = Spread(milliseconds, milliseconds, milliseconds)
    return Row(provider, threads, batch, work, spread, Spread(1, 1, 1), 1000 * batch / milliseconds)


def test_the_quickest_setting_for_one_and_the_one_with_most_samples_for_many() -> None:
    one, many = recommend(
        [
            forward(1, 1, 10),
            forward(2, 1, 6),
            forward(1, 8, 60),
            forward(2, 8, 20),
            forward(2, 8, 1, work="gradient"),
        ]
    )
    assert (one.purpose, one.threads, one.batch, one.milliseconds) == ("one at a time", 2, 1, 6)
    assert (many.purpose, many.threads, many.batch, many.per_second) == ("many", 2, 8, 400)


def test_what_is_within_noise_of_the_best_takes_fewer_threads_and_smaller_batches() -> None:
    one, many = recommend([forward(1, 1, 10), forward(4, 1, 9.6), forward(1, 8, 79), forward(4, 8, 77)])
    assert (one.threads, one.batch) == (1, 1)
    assert (many.threads, many.batch) == (1, 1)
    one, many = recommend([forward(1, 1, 10), forward(4, 1, 9.4), forward(4, 8, 60)])
    assert (one.threads, many.threads, many.batch) == (4, 4, 8)


def test_providers_compete() -> None:
    one, many = recommend(
        [forward(2, 1, 10), forward(2, 1, 2, "cuda"), forward(2, 8, 80), forward(2, 8, 4, "cuda")]
    )
    assert one.provider == many.provider == "cuda"
