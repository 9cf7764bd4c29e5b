"""Compiled loops of catch22: the features of one standardised window that look at values and steps."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import inlined
from hpcflow_kernels.simd import load, splat, total

INCREMENT = 0.01
"""Step of the threshold, in standard deviations, of the two features of outliers' timing."""

THIRD = 1 / 3

BUCKETS = 128
"""Parts of the range into which samples are sorted before a few of them are put in order."""


@inlined
def _dot(a: np.ndarray, b: np.ndarray, n: int) -> float:
    p = q = splat(a, 0.0, 8)
    i = 0
    while i + 16 <= n:
        p = p + load(a, i, 8) * load(b, i, 8)
        q = q + load(a, i + 8, 8) * load(b, i + 8, 8)
        i += 16
    added: float = total(p + q)
    while i < n:
        added += a[i] * b[i]
        i += 1
    return added


@inlined
def _mean(a: np.ndarray, n: int) -> float:
    p = q = splat(a, 0.0, 8)
    i = 0
    while i + 16 <= n:
        p, q = p + load(a, i, 8), q + load(a, i + 8, 8)
        i += 16
    added: float = total(p + q)
    while i < n:
        added += a[i]
        i += 1
    return added / n


@inlined
def _deviation(a: np.ndarray, n: int, mean: float) -> float:
    """Standard deviation, n - 1."""
    middle = splat(a, mean, 8)
    p = middle - middle
    i = 0
    while i + 8 <= n:
        away = load(a, i, 8) - middle
        p = p + away * away
        i += 8
    added: float = total(p)
    while i < n:
        added += (a[i] - mean) ** 2
        i += 1
    return np.sqrt(added / (n - 1))  # type: ignore[no-any-return]


@inlined
def levels(x: np.ndarray, n: int, at: np.ndarray, level: np.ndarray) -> None:
    """Mean and standard deviation (n - 1) of windows.

    Sums run in order, as in the C code: windows of few different values, where bins have edges on values,
    then fall into the same bins. All windows advance together, for a sum in order waits for itself.
    """
    windows = len(at)
    level[:] = 0
    for i in range(n):
        for k in range(windows):
            level[k, 0] += x[at[k] + i]
    level[:, 0] /= n
    for i in range(n):
        for k in range(windows):
            level[k, 1] += (x[at[k] + i] - level[k, 0]) ** 2
    for k in range(windows):
        level[k, 1] = np.sqrt(level[k, 1] / (n - 1))


@inlined
def standardise(
    x: np.ndarray, mean: float, spread: float, basis: np.ndarray, z: np.ndarray, s: np.ndarray
) -> None:
    """One window in units of its spread, and without its slow part.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (n,)
    mean, spread : float
    basis : ndarray of float64, shape (5, n)
        Orthonormal; what it spans is taken off `s`.
    z, s : ndarray of float64, shape (at least n,)
        Get the window, and the window without trend.
    """
    n = len(x)
    for i in range(n):
        z[i] = (np.float64(x[i]) - mean) / spread
    s[:n] = z[:n]
    for k in range(len(basis)):
        share = _dot(z, basis[k], n)
        for i in range(n):
            s[i] -= basis[k, i] * share


@inlined
def modes(z: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """Middle of the fullest of 5 and of 10 bins of equal width; the mean of the middles where several are."""
    step = (high - low) / 10
    ten = np.zeros(10, np.int64)
    for i in range(len(z)):
        ten[min(int((z[i] - low) / step), 9)] += 1
    five = ten[0::2] + ten[1::2]
    return _mode(five, low, (high - low) / 5), _mode(ten, low, step)


@inlined
def _mode(counts: np.ndarray, low: float, step: float) -> float:
    most, ties, added = 0, 1, 0.0
    for i in range(len(counts)):
        middle = ((i * step + low) + ((i + 1) * step + low)) * 0.5
        if counts[i] > most:
            most, ties, added = counts[i], 1, middle
        elif counts[i] == most:
            ties, added = ties + 1, added + middle
    return added / ties


@inlined
def mutual_information(z: np.ndarray, low: float, high: float) -> float:
    """Mutual information of samples two apart, in nats, from five bins of equal width."""
    n, step = len(z), (high - low + 0.2) / 5
    edges = np.empty(4)
    for j in range(4):
        edges[j] = low + step * (j + 1) - 0.1
    place = np.empty(n, np.int64)
    for i in range(n):
        v = z[i]
        place[i] = int(v >= edges[0]) + int(v >= edges[1]) + int(v >= edges[2]) + int(v >= edges[3])
    joint = np.zeros((5, 5))
    for i in range(n - 2):
        joint[place[i], place[i + 2]] += 1
    joint /= n - 2
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    information = 0.0
    for i in range(5):
        for j in range(5):
            if joint[i, j] > 0:
                information += joint[i, j] * np.log(joint[i, j] / (rows[i] * columns[j]))
    return information


@inlined
def steps(z: np.ndarray) -> tuple[float, float, float, float, float]:
    """What steps from sample to sample tell.

    Returns
    -------
    cube : float
        Mean of their third powers.
    large : float
        Share of steps above 0.04 standard deviations.
    falling, above : float
        Longest run of falling steps, and of samples above the mean, counted as the C code counts.
    missed : float
        Standard deviation of what the mean of three samples misses the next one by.
    """
    n, m, mean = len(z), len(z) - 3, 0.0
    for i in range(n):
        mean += z[i]
    mean /= n
    large = falling = above = last_rise = last_low = 0
    cubes, miss = np.empty(n), np.empty(n)
    for i in range(n - 1):
        d = z[i + 1] - z[i]
        cubes[i] = d * d * d
        large += abs(d) * 1000 > 40
    for i in range(m):
        miss[i] = z[i + 3] - (z[i] + z[i + 1] + z[i + 2]) / 3
    for i in range(n - 2):
        rises, low = z[i + 1] >= z[i], z[i] <= mean
        falling = max(falling, i - last_rise if rises else 0)
        last_rise = i if rises else last_rise
        above = max(above, i - last_low if low else 0)
        last_low = i if low else last_low
    falling, above = max(falling, n - 2 - last_rise), max(above, n - 2 - last_low)
    error = _deviation(miss, m, _mean(miss, m))
    return _mean(cubes, n - 1), large / (n - 1), float(falling), float(above), error


@inlined
def _thirds(ordered: np.ndarray, q: float) -> float:
    """Quantile of ordered values that stand in the middle of their shares."""
    place = len(ordered) * q - 0.5
    left = int(np.floor(place))
    right = int(np.ceil(place))
    if q < 0.5 / len(ordered) or right == left:
        return ordered[max(left, 0)]  # type: ignore[no-any-return]
    return ordered[left] + (place - left) * (ordered[right] - ordered[left])  # type: ignore[no-any-return]


@inlined
def _two_thirds(z: np.ndarray, hop: int, low: float, high: float) -> tuple[float, float]:
    """The two values that cut every hop-th sample into thirds, by sorting only what lies near them."""
    m = (len(z) - 1) // hop + 1
    if m < BUCKETS:
        ordered = np.sort(z[::hop])
        return _thirds(ordered, THIRD), _thirds(ordered, 2 * THIRD)
    counts, bucket = np.zeros(BUCKETS + 1, np.int64), np.empty(m, np.int64)
    scale = (BUCKETS - 1) / (high - low)
    for i in range(m):
        bucket[i] = int((z[i * hop] - low) * scale)
        counts[bucket[i] + 1] += 1
    for k in range(BUCKETS):
        counts[k + 1] += counts[k]
    cuts, near = np.empty(2), np.empty(m)
    for part in range(2):
        place = m * ((part + 1) * THIRD) - 0.5
        left = int(np.floor(place))
        first, last = 0, 0
        while counts[first + 1] <= left:
            first += 1
        last = first
        while counts[last + 1] <= left + 1:
            last += 1
        found = 0
        for i in range(m):
            near[found] = z[i * hop]
            found += (bucket[i] >= first) & (bucket[i] <= last)
        ordered = np.sort(near[:found])
        left -= counts[first]
        share = place - np.floor(place)
        cuts[part] = ordered[left] + share * (ordered[left + 1] - ordered[left])
    return cuts[0], cuts[1]


@inlined
def _transitions(z: np.ndarray, hop: int, low: float, high: float) -> np.ndarray:
    """Shares of the steps between the parts that two cuts make, of every hop-th sample."""
    counts = np.zeros((3, 3))
    before = int(z[0] > low) + int(z[0] > high)
    for i in range(hop, len(z), hop):
        now = int(z[i] > low) + int(z[i] > high)
        counts[before, now] += 1
        before = now
    return counts / ((len(z) - 1) // hop)


@inlined
def symbols(z: np.ndarray, ordered: np.ndarray, zero: int) -> tuple[float, float]:
    """Entropy of pairs of thirds in nats, and the variances' sum of columns of the transition matrix."""
    pairs = _transitions(z, 1, _thirds(ordered, THIRD), _thirds(ordered, 2 * THIRD))
    entropy = 0.0
    for i in range(3):
        for j in range(3):
            if pairs[i, j] > 0:
                entropy -= pairs[i, j] * np.log(pairs[i, j])
    if zero > 1:
        low, high = _two_thirds(z, zero, ordered[0], ordered[-1])
        pairs = _transitions(z, zero, low, high)
    spread = 0.0
    for j in range(3):
        mean = (pairs[0, j] + pairs[1, j] + pairs[2, j]) / 3
        for i in range(3):
            spread += (pairs[i, j] - mean) ** 2 / 2
    return entropy, spread


@inlined
def outlier_timing(z: np.ndarray, sign: float, most: float) -> float:
    """Where in the window samples beyond a rising threshold stand, from -1 to 1; the median over thresholds.

    All samples at or above 0 form a list in order of time, with a pointer to its middle. The threshold rises
    and samples leave the list, each moving the pointer by half a place. Places count from 1; 0 and n + 1 end
    the list.
    """
    n = len(z)
    if most < INCREMENT:
        return 0.0
    levels = int(most / INCREMENT + 1)
    head, following = np.full(levels, -1, np.int64), np.empty(n + 2, np.int64)
    left, right = np.empty(n + 2, np.int64), np.empty(n + 2, np.int64)
    places, inside = np.zeros(n + 2, np.int64), 0
    for i in range(1, n + 1):
        places[inside + 1] = i
        inside += sign * z[i - 1] >= 0
    places[inside + 1] = n + 1
    for p in range(1, inside + 1):
        i = places[p]
        v = sign * z[i - 1]
        j = min(int(v / INCREMENT), levels - 1)
        while j + 1 < levels and v >= (j + 1) * INCREMENT:
            j += 1
        while v < j * INCREMENT:
            j -= 1
        following[i], head[j] = head[j], i
        left[i], right[i] = places[p - 1], places[p + 1]
    middle = places[(inside + 1) // 2]
    medians = np.empty(levels)
    everything, kept, count = inside, 0, 0
    for j in range(levels):
        if (inside - 1) * 100.0 / everything > 2:
            kept = j + 1
        medians[j] = middle if inside % 2 == 1 else (middle + right[middle]) / 2.0
        count = j + 1
        if inside == 1:
            break
        i = head[j]
        while i >= 0:
            if inside % 2 == 0:
                middle = right[middle] if i <= middle else middle
            else:
                middle = left[middle] if i >= middle else middle
            right[left[i]], left[right[i]] = right[i], left[i]
            inside -= 1
            i = following[i]
    count = min(count, max(kept, 1))
    return np.median(medians[:count]) / (n / 2) - 1


@inlined
def embedding(z: np.ndarray, zero: int) -> float:
    """How far distances of successive points in the plane of (z[t], z[t + zero]) are from exponential."""
    n = len(z)
    lag = min(zero, n // 10)
    m = n - lag - 1
    d = np.empty(m)
    for i in range(m):
        a, b = z[i + 1] - z[i], z[i + lag] - z[i + lag + 1]
        d[i] = np.sqrt(a * a + b * b)
    low = high = d[0]
    for i in range(m):
        low, high = min(low, d[i]), max(high, d[i])
    mean = _mean(d, m)
    spread = _deviation(d, m, mean)
    if spread < 0.001:
        return 0.0
    bins = int(np.ceil((high - low) / (3.5 * spread / m ** (1 / 3.0))))
    step = (high - low) / bins
    counts = np.zeros(bins, np.int64)
    for i in range(m):
        counts[min(int((d[i] - low) / step), bins - 1)] += 1
    added = 0.0
    for k in range(bins):
        middle = ((k * step + low) + ((k + 1) * step + low)) * 0.5
        added += abs(counts[k] / m - np.exp(-middle / mean) / mean)
    return added / bins


@inlined
def low_frequency(power: np.ndarray, n: int) -> tuple[float, float]:
    """Power in the lowest fifth of bins, and the angular frequency below which half of all power lies.

    Parameters
    ----------
    power : ndarray of float64, shape (bins,)
        Squared magnitudes, from 0 to half the sampling rate.
    n : int
        Samples of the window.
    """
    bins = len(power)
    density = np.empty(bins)
    everything = low = 0.0
    for i in range(bins):
        density[i] = power[i] / n * (2.0 if 0 < i < bins - 1 else 1.0)
        everything += density[i]
        if i < bins // 5:
            low += density[i]
    step, added, centre = 2 * np.pi / (2 * (bins - 1)), 0.0, 0.0
    for i in range(bins):
        added += density[i]
        if added > everything * 0.5:
            centre = i * step
            break
    return low / (2 * (bins - 1)), centre
