"""Detectors, segmenters and depth estimators of `transformers`, in small configurations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.architectures.families.building import CLASSES, RESNET, VIT, on_image

__all__ = ["DETECTORS", "SEGMENTERS"]

BACKBONE = ("ResNetConfig", {**RESNET, "out_features": ["stage4"]})
PYRAMID_BACKBONE = ("ResNetConfig", {**RESNET, "out_features": ["stage2", "stage3", "stage4"]})
SWIN: dict[str, Any] = {
    "image_size": 64,
    "patch_size": 2,
    "embed_dim": 16,
    "num_heads": [1, 2, 4, 8],
    "depths": [1, 1, 2, 1],
}
SWIN_BACKBONE = (
    "SwinConfig",
    {**SWIN, "window_size": 4, "out_features": ["stage1", "stage2", "stage3", "stage4"]},
)
DECODER: dict[str, Any] = {
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "num_queries": 12,
}
REAL_TIME: dict[str, Any] = {
    **{key: value for key, value in DECODER.items() if key != "encoder_layers"},
    "backbone_config": ("RTDetrResNetConfig", {**RESNET, "out_features": ["stage2", "stage3", "stage4"]}),
    "encoder_in_channels": RESNET["hidden_sizes"][1:],
    "encoder_hidden_dim": 32,
    "decoder_in_channels": [32, 32, 32],
    "num_denoising": 0,
}
PYRAMID: dict[str, Any] = {
    "hidden_sizes": [16, 32, 48, 64],
    "depths": [1, 1, 2, 1],
    "num_attention_heads": [1, 2, 3, 4],
}
BOXES = ("logits", "pred_boxes")
MASKS = ("class_queries_logits", "masks_queries_logits")
DPT: dict[str, Any] = {
    **VIT,
    "backbone_out_indices": [0, 1, 2, 3],
    "neck_hidden_sizes": [8, 16, 24, 32],
    "fusion_hidden_size": 16,
}


def detector(name: str, kind: str, size: int, **options: Any) -> Any:
    """One that returns `logits`, (N, boxes, classes), and `pred_boxes`; the score is one box's class."""
    return on_image(name, kind, size, BOXES, (5, 3), num_labels=CLASSES, **options)


DETECTORS = [
    detector("DETR", "DetrForObjectDetection", 128, backbone_config=BACKBONE, **DECODER),
    detector(
        "Table Transformer", "TableTransformerForObjectDetection", 128, backbone_config=BACKBONE, **DECODER
    ),
    detector(
        "Conditional DETR", "ConditionalDetrForObjectDetection", 128, backbone_config=BACKBONE, **DECODER
    ),
    detector(
        "DAB-DETR",
        "DabDetrForObjectDetection",
        128,
        backbone_config=BACKBONE,
        **{{"d_model": "hidden_size"}.get(key, key): value for key, value in DECODER.items()},
    ),
    detector(
        "Deformable DETR",
        "DeformableDetrForObjectDetection",
        128,
        backbone_config=PYRAMID_BACKBONE,
        num_feature_levels=4,
        disable_custom_kernels=True,
        **DECODER,
    ),
    detector(
        "YOLOS", "YolosForObjectDetection", 64, num_detection_tokens=10, **VIT | {"image_size": [64, 64]}
    ),
    replace(detector("RT-DETR", "RTDetrForObjectDetection", 128, **REAL_TIME), dynamic_batch=False),
    replace(detector("RT-DETR v2", "RTDetrV2ForObjectDetection", 128, **REAL_TIME), dynamic_batch=False),
]


def segmenter(name: str, kind: str, size: int, **options: Any) -> Any:
    """One that returns `logits`, (N, classes, H, W); the score is a class, summed over the picture."""
    return on_image(name, kind, size, ("logits",), (3,), num_labels=CLASSES, **options)


def depth(name: str, kind: str, size: int, **options: Any) -> Any:
    """One that returns `predicted_depth`, (N, H, W); the score is a row of it, summed."""
    return on_image(name, kind, size, ("predicted_depth",), (20,), **options)


SEGMENTERS = [
    segmenter("SegFormer", "SegformerForSemanticSegmentation", 64, decoder_hidden_size=32, **PYRAMID),
    segmenter(
        "UperNet (Swin)",
        "UperNetForSemanticSegmentation",
        64,
        backbone_config=SWIN_BACKBONE,
        hidden_size=32,
        use_auxiliary_head=False,
    ),
    segmenter(
        "UperNet (ConvNeXt)",
        "UperNetForSemanticSegmentation",
        64,
        backbone_config=(
            "ConvNextConfig",
            {
                "hidden_sizes": [16, 32, 48, 64],
                "depths": [1, 1, 2, 1],
                "out_features": ["stage1", "stage2", "stage3", "stage4"],
            },
        ),
        hidden_size=32,
        use_auxiliary_head=False,
    ),
    segmenter(
        "BEiT (segmenter)",
        "BeitForSemanticSegmentation",
        64,
        use_relative_position_bias=True,
        use_auxiliary_head=False,
        out_indices=[1, 2, 3, 4],
        **VIT,
    ),
    segmenter("DPT (segmenter)", "DPTForSemanticSegmentation", 64, use_auxiliary_head=False, **DPT),
    segmenter(
        "MobileNet v2 (segmenter)",
        "MobileNetV2ForSemanticSegmentation",
        64,
        depth_multiplier=0.35,
        image_size=64,
    ),
    segmenter(
        "MobileViT (segmenter)",
        "MobileViTForSemanticSegmentation",
        64,
        image_size=64,
        hidden_sizes=[24, 32, 40],
        neck_hidden_sizes=[8, 8, 16, 24, 32, 40, 64],
        num_attention_heads=2,
        aspp_out_channels=16,
    ),
    segmenter(
        "MobileViT v2 (segmenter)",
        "MobileViTV2ForSemanticSegmentation",
        64,
        image_size=64,
        width_multiplier=0.25,
        n_attn_blocks=[1, 1, 1],
        aspp_out_channels=16,
    ),
    on_image(
        "MaskFormer",
        "MaskFormerForInstanceSegmentation",
        64,
        MASKS,
        (5, 3),
        num_labels=CLASSES,
        backbone_config=SWIN_BACKBONE,
        decoder_config=("DetrConfig", {**DECODER, "backbone_config": None}),
        fpn_feature_size=32,
        mask_feature_size=32,
    ),
    on_image(
        "Mask2Former",
        "Mask2FormerForUniversalSegmentation",
        64,
        MASKS,
        (5, 3),
        num_labels=CLASSES,
        backbone_config=SWIN_BACKBONE,
        feature_size=32,
        mask_feature_size=32,
        hidden_dim=32,
        encoder_feedforward_dim=64,
        encoder_layers=1,
        decoder_layers=2,
        num_attention_heads=4,
        dim_feedforward=64,
        num_queries=12,
    ),
    depth("DPT", "DPTForDepthEstimation", 64, **DPT),
    depth("GLPN", "GLPNForDepthEstimation", 64, decoder_hidden_size=16, **PYRAMID),
    depth(
        "Depth Anything",
        "DepthAnythingForDepthEstimation",
        64,
        backbone_config=(
            "Dinov2Config",
            {
                "hidden_size": 48,
                "num_hidden_layers": 4,
                "num_attention_heads": 4,
                "mlp_ratio": 2,
                "image_size": 64,
                "patch_size": 8,
                "out_features": ["stage1", "stage2", "stage3", "stage4"],
                "reshape_hidden_states": False,
            },
        ),
        patch_size=8,
        reassemble_hidden_size=48,
        neck_hidden_sizes=[8, 16, 24, 32],
        fusion_hidden_size=16,
        head_hidden_size=8,
    ),
    on_image(
        "Swin2SR",
        "Swin2SRForImageSuperResolution",
        32,
        ("reconstruction",),
        (slice(None), 20),
        image_size=32,
        patch_size=1,
        embed_dim=24,
        depths=[2, 2],
        num_heads=[2, 2],
        window_size=4,
    ),
]
