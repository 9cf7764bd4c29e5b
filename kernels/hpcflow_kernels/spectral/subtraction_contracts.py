"""Contract of spectral subtraction."""

from __future__ import annotations

from hpcflow_kernels.contract import Contract, Field, Param, Pattern, Port

CONTRACTS = (
    Contract(
        name="spectral_subtraction",
        version=1,
        pattern=Pattern.RECORD,
        summary="Take a stationary noise out of a signal by the spectrum that is always there.",
        ports=(Port("signal", "signal", "samples"),),
        params=(
            Param(
                "nperseg",
                "integer",
                "samples of a segment; powers of two are fastest",
                default=1024,
                minimum=8,
                maximum=1 << 16,
            ),
            Param(
                "overlap",
                "quantity",
                "shared part of segments",
                "fraction",
                default=0.75,
                minimum=0.5,
                maximum=0.875,
            ),
            Param(
                "quantile",
                "quantity",
                "how much of the time noise alone is there",
                "fraction",
                default=0.5,
                minimum=0.01,
                maximum=0.95,
            ),
            Param(
                "excess", "number", "how many times it is taken out", default=1.0, minimum=0.0, maximum=20.0
            ),
            Param("reduction", "number", "largest attenuation, dB", default=20.0, minimum=0.0, maximum=120.0),
        ),
        fields=lambda params: (Field("cleaned", "signal without the noise", units="same", dtype="same"),),
        implementation="hpcflow_kernels.spectral.subtraction:subtraction_of_record",
        array="hpcflow_kernels.arrays.subtraction:subtraction_of_record",
        array_error=1e-5,
        axis="sample",
        length=lambda params, samples, rate, facts: samples,
        row_rate=lambda params, rate: rate,
        bytes_per_sample=400.0,
        flops_per_sample=400.0,
        error="1e-5 of the largest sample (float32), 1e-12 (float64), against the definition by scipy.signal",
        source="Boll, IEEE Trans. ASSP 27 (1979); Berouti, Schwartz and Makhoul, ICASSP 1979",
    ),
)
