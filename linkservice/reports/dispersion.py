"""How restless are the days? The day-to-day dispersion φ of a touchpoint's counts.

Decided here: by how much the variance of a touchpoint's total exceeds Poisson's. What
follows from it is decided in `statistics` and `ranking`; this module knows days and
counts only, no rates, peers or verdicts.

**What the days are compared with.** The daily reach, where it is even from the first to
the last click (so traffic on a single day says nothing about φ, and inflates nothing).
Where it is not (flyers handed out on day 1 and scanned for weeks, a mailing), reach on a
date does not predict the clicks of the date. Then the better of two explanations is taken:
the reach after all, or a course of response. From `SHARED_COURSE` such touchpoints on, it is
the course they share, by days since their first reach: a common ebb is no noise, but days
that jump about it are. Fewer share nothing; each is compared with its own course, which may
rise once and then ebb. An own course explains ebbing noise too well (20 equal
touchpoints over 7 noisy, ebbing days: a false verdict in 24 % of reports with own courses,
in 1 % with the shared one), so it is the last resort. A weekly rhythm is taken out when the
pooled days prove it: closed Sundays are no noise either. Mailings of different weekdays show theirs
beside the course they share; taken for noise, it hid half of all verdicts.

**Pearson's χ² / degrees of freedom, weighted** (McCullagh & Nelder, *Generalized Linear
Models*, 1989, 4.5.2 and 9.2.4): Σ(y−μ)² ÷ Σμ(1−h), h the leverage of the day. With even
reach this is Pearson's χ²/df; otherwise it is the dispersion of the *total*, which is
what a rate needs, and days with next to no expected clicks cannot make it explode.

**Pooled.** One touchpoint's φ from 7 or 28 days is itself uncertain, and low just when its
total is low by chance (no lucky day), which feigns certainty. Daily multipliers of variance
v give φ = 1 + v × mean daily count, clicks in clumps the same φ at any size; so a line over
the mean daily count is shared, not φ, and each touchpoint's own φ is drawn towards it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc, stdtrit

Floats: TypeAlias = NDArray[np.float64]

SHARED_COURSE = 4  # touchpoints
LINE_DAYS = 20.0  # days of its own that the shared line is worth to a touchpoint
COURSE_FITS = 6  # rounds until a course hardly moves
TIMING_CLICKS = 20.0  # clicks of its own that the shared timing is worth to a touchpoint
RHYTHM_LEVEL = 0.01
LEAST_MISSED = 0.05  # where nearly all trials succeed, misses are too few to tell how they scatter
QUIETEST_WEEKDAY = 0.05  # a weekday without any click must still divide
SURE_TAIL, NORMAL_TAIL = 0.999, 3.0902  # where verdicts on some 20 touchpoints are decided


@dataclass(frozen=True, slots=True)
class Dispersion:
    """φ per touchpoint (≥ 1) and what is needed to say it for other totals.

    `timing` is the mean daily count per click of the total (1 ÷ effective days); `base` and
    `slope` are the shared line of φ over the mean daily count.
    """

    phi: Floats
    totals: Floats
    timing: Floats
    base: float
    slope: float

    def of(self, rows: Sequence[int]) -> Dispersion:
        """The dispersion of these touchpoints alone, the shared line as it is."""
        return Dispersion(
            self.phi[rows], self.totals[rows], self.timing[rows], self.base, self.slope
        )

    def at(self, totals: Floats) -> Floats:
        """φ if the touchpoints had these totals."""
        line = self.base + self.slope * self.timing * totals
        own = self.base + self.slope * self.timing * self.totals
        return np.where(line < own, np.maximum(1.0, self.phi * line / own), self.at_least(totals))

    def at_least(self, totals: Floats) -> Floats:
        """φ if the touchpoints had these totals, never below their own φ.

        A touchpoint far below its peers is tested against the scatter its days would have
        *at the peers' rate*: its own quiet days must not prove their quietness.
        """
        return np.maximum(self.phi, self.base + self.slope * self.timing * totals)


@dataclass(frozen=True, slots=True)
class _Scatter:
    """What the days of each touchpoint say by themselves."""

    phi: Floats
    days: Floats  # effective degrees of freedom, 0 = nothing known
    daily_mean: Floats  # weighted by clicks


def dispersion(counts: Floats, exposure: Floats) -> Dispersion:
    """φ of each touchpoint (row) from daily counts and daily reach of one unit.

    Both arrays have the shape (touchpoints, consecutive days). Finite for any finite
    input ≥ 0, with clicks on days without reach as with no clicks at all.
    """
    window = _between_first_and_last_click(counts)
    reach = np.where(window, exposure, 0.0)
    even = _is_even(reach, window)
    rhythm = weekly_rhythm(counts[even], reach[even])
    scatter = _about_reach(counts, reach * rhythm)
    uneven = np.flatnonzero(~even & (window.sum(axis=1) > 1))
    if len(uneven) >= SHARED_COURSE:
        shared = _about_shared_course(counts[uneven], exposure[uneven], rhythm)
        _prefer(scatter, uneven, shared)
    else:
        for row in uneven:
            days = window[row]
            _prefer(scatter, np.array([row]), _about_own_course(counts[row, days], rhythm[days]))
    _forget_unexplained(scatter)
    return _pool(scatter, counts.sum(axis=1))


def dispersion_of_successes(counts: Floats, trials: Floats) -> Dispersion:
    """φ of successes among daily trials, of clicks that are scans: above the binomial's variance.

    That is 1 − p of Poisson's, so who clicks twice alike is hidden by it: with a proportion of 0.3
    and every fifth visitor twice, counts scatter as 0.9 of Poisson's and 1.3 of the binomial's.
    Counts ÷ (1 − p) have the variance and mean that `dispersion` looks at. Shapes as there.
    """
    every = trials.sum(axis=1, keepdims=True)
    missed = np.maximum(every - counts.sum(axis=1, keepdims=True), 0.0)
    left = np.maximum((missed + 0.5) / (every + 1.0), LEAST_MISSED)
    found = dispersion(counts / left, trials)
    each = left[:, 0]
    return replace(found, totals=found.totals * each, timing=found.timing / each)


def weekly_rhythm(counts: Floats, exposure: Floats) -> Floats:
    """Factor per day (about 1) of the weekly rhythm shared by these touchpoints.

    All ones unless at least two weeks of pooled days show one: one-way analysis of variance
    of the seven weekdays (F-test), days weighted by their expected count.
    """
    days = counts.shape[1]
    flat = np.ones(days)
    expected = _expected(counts, exposure).sum(axis=0)
    observed = counts.sum(axis=0)
    weekday = np.arange(days) % 7
    per_weekday = np.bincount(weekday, weights=expected, minlength=7)
    seen = expected > 0
    known = int(np.count_nonzero(seen))
    if known < 14 or not per_weekday.all():
        return flat
    factor = np.bincount(weekday, weights=observed, minlength=7) / per_weekday
    between = float(per_weekday @ (factor - 1.0) ** 2) / 6.0
    gap = observed[seen] / expected[seen] - factor[weekday[seen]]
    within = float(expected[seen] @ gap**2) / (known - 7)
    if between <= 0.0 or fdtrc(6, known - 7, between / max(within, 1e-9)) > RHYTHM_LEVEL:
        return flat
    shared: Floats = np.maximum(factor, QUIETEST_WEEKDAY)[weekday]
    return shared


def _between_first_and_last_click(counts: Floats) -> NDArray[np.bool_]:
    clicked = counts > 0
    begun = np.logical_or.accumulate(clicked, axis=1)
    unfinished = np.logical_or.accumulate(clicked[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(np.logical_and(begun, unfinished))


def _is_even(reach: Floats, window: NDArray[np.bool_]) -> NDArray[np.bool_]:
    highest = reach.max(axis=1, initial=0.0)
    lowest = np.where(window, reach, np.inf).min(axis=1, initial=np.inf)
    return np.asarray((highest > 0) & (lowest >= highest * (1.0 - 1e-6)))


def _share(amounts: Floats) -> Floats:
    total = amounts.sum(axis=1, keepdims=True)
    return np.asarray(amounts / np.where(total > 0, total, 1.0))


def _expected(counts: Floats, exposure: Floats) -> Floats:
    return np.asarray(counts.sum(axis=1, keepdims=True) * _share(exposure))


def _measure(
    counts: Floats, mean: Floats, share: Floats, crowd: Floats, square: Floats
) -> _Scatter:
    """Weighted Pearson dispersion of each row about `mean`.

    `share` and `crowd` are the leverages of the day within its touchpoint and of the
    touchpoint within its day; `square` is the sum of mean² over the days fitted together.
    Fitting hides more of a large day's multiplier than of a small one's; `uplift` gives
    that back (variance μ + vμ² in and out) and costs degrees of freedom. A Pearson term has
    the variance 2 + 1/μ, not 2, so days with few expected clicks are worth less.
    """
    free = mean * (1.0 - share)
    known = (free * (1.0 - crowd)).sum(axis=1)
    spread = (mean * free * (1.0 - crowd)).sum(axis=1)
    loose = (mean**2 * (1.0 - 2.0 * share) + share**2 * square).sum(axis=1)
    usable = (known > 1e-9) & (spread > 1e-12) & (loose > 1e-12)
    total = mean.sum(axis=1)
    daily_mean = (mean**2).sum(axis=1) / np.where(total > 0, total, 1.0)
    known, spread, loose = (np.where(usable, part, 1.0) for part in (known, spread, loose))
    uplift = np.maximum(daily_mean * free.sum(axis=1) / loose, 1e-9)
    excess = ((counts - mean) ** 2).sum(axis=1) / known - 1.0
    worth = 2.0 * daily_mean / (2.0 * daily_mean + 1.0)
    return _Scatter(
        np.where(usable, 1.0 + excess * uplift, 1.0),
        np.where(usable, known**2 / spread / uplift**2 * worth, 0.0),
        daily_mean,
    )


def _about_reach(counts: Floats, exposure: Floats) -> _Scatter:
    mean = _expected(counts, exposure)
    square = (mean**2).sum(axis=1, keepdims=True)
    scatter = _measure(counts, mean, _share(exposure), np.zeros_like(mean), square)
    scatter.phi[np.logical_and(counts > 0, exposure <= 0).any(axis=1)] = np.inf
    return scatter


def _about_shared_course(counts: Floats, exposure: Floats, rhythm: Floats) -> _Scatter:
    """About the response these touchpoints share, counted from their first day of reach.

    Volume × age by iterative proportional fitting (Deming & Stephan 1940, *Annals of
    Mathematical Statistics* 11): late starters have been seen at young ages only. Begun on
    different weekdays, they show a weekly rhythm that no course has; then it is fitted, too.
    """
    days = counts.shape[1]
    age = np.arange(days) + np.argmax(exposure > 0, axis=1)[:, None]
    index = np.minimum(age, days - 1)
    known = age < days
    aged = np.where(known, np.take_along_axis(counts, index, axis=1), 0.0)
    total = aged.sum(axis=1, keepdims=True)

    def by_day(cells: Floats) -> Floats:
        return np.asarray(np.bincount(index.ravel(), cells.ravel(), days)[None], np.float64)

    course, seen = np.ones(days), known * rhythm[index]
    beside = flat = np.ones(days)
    for fit in range(2 * COURSE_FITS):
        within = (seen * course).sum(axis=1, keepdims=True)
        offered = (total / np.where(within > 0, within, 1.0) * seen).sum(axis=0)
        course = aged.sum(axis=0) / np.where(offered > 0, offered, 1.0)
        if fit + 1 < COURSE_FITS:
            continue
        factor = weekly_rhythm(by_day(aged), by_day(total * _share(seen * course)))
        if beside is flat and (factor == flat).all():
            break
        beside = beside * factor
        seen = known * (rhythm * beside)[index]
    share = _share(seen * course)
    mean = total * share
    crowd = mean / np.maximum(mean.sum(axis=0), 1e-12)
    if beside is not flat:
        weekdays = np.bincount(index.ravel() % 7, mean.ravel(), 7)
        alike = mean / np.maximum(weekdays, 1e-12)[index % 7]
        crowd = 1.0 - (1.0 - crowd) * (1.0 - alike)
    return _measure(aged, mean, share, crowd, (mean**2).sum(axis=1, keepdims=True))


def _about_own_course(counts: Floats, rhythm: Floats) -> _Scatter:
    mean, share = own_course(counts, rhythm)
    rows = (counts[None], mean[None], share[None])
    return _measure(*rows, np.zeros_like(rows[0]), (mean**2 / share)[None])


def own_course(counts: Floats, rhythm: Floats) -> tuple[Floats, Floats]:
    """Mean and leverage per day of the course that rises to its peak and then ebbs.

    Pool-adjacent-violators on both sides of the highest three days (Barlow et al.,
    *Statistical Inference under Order Restrictions*, 1972); a block of L equal days fits
    one value, so each of its days has the leverage 1/L.
    """
    peak = int(np.argmax(np.convolve(counts / rhythm, np.ones(3))[1:-1]))
    rising = _ebbing(counts[:peak][::-1], rhythm[:peak][::-1])[::-1]
    blocks = np.array(rising + _ebbing(counts[peak:], rhythm[peak:]))
    return blocks[:, 0] * rhythm, rhythm / blocks[:, 1]


def _ebbing(counts: Floats, weights: Floats) -> list[tuple[float, float]]:
    """Per day the level and the weight of its block; levels never rise."""
    blocks: list[tuple[float, float, int]] = []
    for day_count, day_weight in zip(counts.tolist(), weights.tolist(), strict=True):
        count, weight, days = day_count, day_weight, 1
        while blocks and blocks[-1][0] * weight <= count * blocks[-1][1]:
            before = blocks.pop()
            count, weight, days = count + before[0], weight + before[1], days + before[2]
        blocks.append((count, weight, days))
    return [(count / weight, weight) for count, weight, days in blocks for _ in range(days)]


def _prefer(scatter: _Scatter, rows: NDArray[np.intp], other: _Scatter) -> None:
    """Take the other measure of these rows wherever it explains their days better."""
    better = other.phi <= scatter.phi[rows]
    scatter.phi[rows[better]] = other.phi[better]
    scatter.days[rows[better]] = other.days[better]
    scatter.daily_mean[rows[better]] = other.daily_mean[better]


def _forget_unexplained(scatter: _Scatter) -> None:
    """All clicks on one day that had no reach: nothing is known about its days."""
    unexplained = np.isinf(scatter.phi)
    scatter.phi[unexplained], scatter.days[unexplained] = 1.0, 0.0


def _pool(scatter: _Scatter, totals: Floats) -> Dispersion:
    phi, days, mean = scatter.phi, scatter.days, scatter.daily_mean
    base, slope = _line(phi, days, mean)
    # Through (0, 1) as well, whichever is higher: the free line extrapolates to touchpoints
    # whose days say nothing, and must not do so too low.
    line = np.maximum(base + slope * mean, 1.0 + _slope_from_one(phi, days, mean) * mean)
    drawn = (days * phi + LINE_DAYS * line) / (days + LINE_DAYS)
    # φ from few days is widened as Student's t widens the normal, at the far tail.
    known = float(days.sum())
    widened = (float(stdtrit(known + 2.0, SURE_TAIL)) / NORMAL_TAIL) ** 2
    clicks = max(float(totals.sum()), 1.0)
    timing = mean + TIMING_CLICKS * float(mean.sum()) / clicks
    return Dispersion(
        np.maximum(1.0, 1.0 + (drawn - 1.0) * widened),
        totals,
        timing / (totals + TIMING_CLICKS),
        1.0 + (base - 1.0) * widened,
        slope * widened,
    )


def _slope_from_one(phi: Floats, days: Floats, mean: Floats) -> float:
    """Slope (≥ 0) of the line φ = 1 + slope × daily mean: the variance of the days.

    Weights fall with the square of the fitted φ, as the variance of an estimate rises.
    """
    slope = 0.0
    for _ in range(4):
        weight = days * mean / (1.0 + slope * mean) ** 2
        size = float(weight @ mean)
        slope = max(0.0, float(weight @ (phi - 1.0)) / size) if size > 0 else 0.0
    return slope


def _line(phi: Floats, days: Floats, mean: Floats) -> tuple[float, float]:
    """Base (≥ 1) and slope (≥ 0) of φ over the daily mean, by weighted least squares.

    Touchpoints of about one size cannot tell base from slope: then all of it is slope.
    """
    base, slope = 1.0, _slope_from_one(phi, days, mean)
    if not days.any():
        return base, slope
    for _ in range(4):
        weight = days / (base + slope * mean) ** 2
        weight /= weight.sum()
        centre, height = float(weight @ mean), float(weight @ phi)
        variance = float(weight @ (mean - centre) ** 2)
        if variance < 0.05 * centre**2:
            return 1.0, _slope_from_one(phi, days, mean)
        slope = float(weight @ ((mean - centre) * (phi - height))) / variance
        base = height - slope * centre
        if base < 1.0:
            return 1.0, _slope_from_one(phi, days, mean)
        if slope < 0.0:
            base, slope = max(1.0, height), 0.0
    return base, slope
