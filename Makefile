# `make help` lists the targets. Everything runs in .venv, which `make` sets up by itself.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready

# How a stage runs; see `make help`.
stage = $(RUN) -m solvers.stage $(1) --dataset voc \
	$(if $(VOC),--data "$(VOC)") $(if $(WEIGHTS),--weights "$(WEIGHTS)") \
	$(if $(GPU),--gpu $(GPU)) $(if $(ITERS),--iters $(ITERS)) \
	$(if $(filter 0,$(RESUME)),--restart)

.DEFAULT_GOAL := help
.PHONY: help demo test fuzz lint bench nets data-voc vgg16-fcn clean \
	fcn32s-voc fcn16s-voc fcn8s-voc fcn8s-atonce-voc

help:  ## list the targets
	@grep -hE '^[a-z0-9-]+( [a-z0-9-]+)*:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | \
		while IFS="$$(printf '\t')" read -r names text; do \
			for name in $$names; do printf '  %-20s %s\n' "$$name" "$$text"; done; done
	@echo
	@echo "Options of the stages: ITERS=N (stop early), GPU=0 or GPU=cpu (default: the GPU if there"
	@echo "is one), WEIGHTS=FILE (start from), VOC=DIR (any folder in VOC layout with splits train"
	@echo "and val), RESUME=0 (start again; by default a stage continues from its newest snapshot)."

$(READY): setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable ".[test]"
	@touch $@

demo: $(READY)  ## pretrain, transplant, train 32s -> 16s -> 8s on synthetic images, score, draw
	$(RUN) -m solvers.demo

test: $(READY)  ## run the tests
	$(RUN) -m pytest

fuzz: $(READY)  ## damage the readers' files for longer: FUZZ=N times the usual number (100)
	FUZZ=$(or $(FUZZ),100) $(RUN) -m pytest $$(grep -l "from fuzzing" tests/test_*.py)

lint: $(READY)  ## check style and format
	$(RUN) -m ruff check . && $(RUN) -m ruff format --check .

bench: $(READY)  ## measure against plain PyTorch; writes bench/results.md
	$(RUN) -m bench

nets: $(READY)  ## write the prototxt of every net to runs/nets
	$(RUN) -m nets --out runs/nets

data-voc: $(READY)  ## download, unpack and check PASCAL VOC 2011, SBD and VGG16's weights
	$(RUN) -m data.voc

vgg16-fcn: $(READY)  ## make VGG16's fc6 and fc7 convolutions: what the stages start from
	$(RUN) -m surgery.ilsvrc

fcn32s-voc fcn16s-voc fcn8s-voc fcn8s-atonce-voc: $(READY)  ## train and score a stage on PASCAL VOC
	$(call stage,$(@:-voc=))

clean:  ## remove the environment; runs/ and data/ stay
	rm -rf $(VENV)
