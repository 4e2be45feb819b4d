"""SimplerNMS: a Proposal of other field names."""

import numpy as np
from hypothesis import given
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer


@law("SimplerNMS")
@drawn(10)
@given(SEED)
def test_its_fields_are_a_proposals(seed):
    rng = np.random.RandomState(seed)
    bottoms = [
        rng.rand(1, 12, 4, 5).astype(np.float32),
        0.2 * normal(seed, 1, 24, 4, 5),
        np.float32([[64, 80, 1.75]]),
    ]
    body = (
        "simpler_nms_param { max_num_proposals: 9 cls_threshold: 0.9 iou_threshold: 0.6 "
        "min_bbox_size: 14 feat_stride: 16 pre_nms_topn: 90 post_nms_topn: 12 scale: 1 scale: 2 }"
    )
    found = run_layer("SimplerNMS", body, bottoms)
    same = (
        "proposal_param { iou_threshold: 0.6 min_size: 14 pre_nms_topn: 90 post_nms_topn: 12 "
        "scale: 1 scale: 2 }"
    )
    bottoms[2][0, 2] = 1  # its fork cuts the fraction off
    plain = run_layer("Proposal", same, bottoms, tops=2)
    kept = plain.y[0][plain.y[1] > 0]
    count = min(len(kept), len(found.y[0]))
    assert count > 0
    agree(found.y[0][:count], kept[:count])
    assert ((found.y[0][:, 3:] - found.y[0][:, 1:3] + 1) >= 14).all()
