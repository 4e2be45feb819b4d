# `make help` lists the targets. Everything runs in .venv, which `make` sets up by itself.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready

# The stages: NET-DATASET is a target for each net of each dataset.
skips := fcn32s fcn16s fcn8s
squeezenets := fcn32s-squeezenet fcn16s-squeezenet fcn8s-squeezenet
nets_voc := fcn-alexnet $(skips) fcn32s-fixed fcn8s-atonce fcn-googlenet fcn-googlenet-16s \
	fcn-googlenet-8s $(squeezenets)
nets_camvid := $(skips) $(squeezenets)
nets_idd-lite := $(skips) $(squeezenets)
nets_mine := $(skips) $(squeezenets)
nets_nyud := fcn32s-color fcn32s-depth fcn32s-hha fcn32s-color-d fcn32s-color-hha fcn16s-color-hha
datasets := voc nyud siftflow context context33 cityscapes cityscapes-half cityscapes-cuts camvid idd-lite \
	mine
nets_of = $(or $(nets_$(1)),$(skips))
stages := $(foreach d,$(datasets),$(addsuffix -$d,$(call nets_of,$d)))
classifiers := caffenet-fcn vgg16-fcn vgg19-fcn googlenet-fcn squeezenet-fcn
# The nets of the report on the Indian Driving Dataset, on it or on DATASET, and torchvision's
zoo := $(addprefix idd-,baseline flip flip-alone rotation weighted rrcnn transfer unet)
torchvision := deeplabv3-resnet101 fcn-resnet50 fcn-resnet101

studies := patches upsampling fusion init balance augmentation more-data scale amortization shift-and-stitch
study_options = $(if $(DATASET),--dataset $(DATASET)) $(if $(DATA),--data "$(DATA)") \
	$(if $(FAMILY),--family $(FAMILY)) $(if $(WEIGHTS),--weights "$(WEIGHTS)") \
	$(if $(WIDTH),--width $(WIDTH)) $(if $(LR),--lr $(LR)) $(if $(ITERS),--iters $(ITERS)) \
	$(if $(SEEDS),--seeds $(SEEDS)) $(if $(DOWNSCALE),--downscale $(DOWNSCALE)) $(if $(GPU),--gpu $(GPU)) $(if $(OUT),--out "$(OUT)")

# The dataset at the end of the target's name
dataset = $(strip $(foreach d,$(datasets),$(if $(filter %-$d,$@),$d)))
data = $(or $(DATA),$(if $(filter voc,$(dataset)),$(VOC)))
options = $(if $(data),--data "$(data)") $(if $(WEIGHTS),--weights "$(WEIGHTS)") \
	$(if $(WIDTH),--width $(WIDTH)) $(if $(LR),--lr $(LR)) $(if $(ITERS),--iters $(ITERS)) \
	$(if $(EPOCHS),--epochs $(EPOCHS)) \
	$(if $(SNAPSHOT),--snapshot $(SNAPSHOT)) $(if $(REGIME),--regime $(REGIME)) \
	$(if $(GPU),--gpu $(GPU)) $(if $(PRECISION),--precision $(PRECISION)) \
	$(if $(filter 1,$(RECOMPUTE)),--recompute) \
	$(if $(GPUS),--gpus $(GPUS)) $(if $(NPROC),--nproc $(NPROC)) \
	$(if $(GRADIENTS),--gradients $(GRADIENTS)) \
	$(if $(RESTARTS),--max-restarts $(RESTARTS)) $(if $(KEEP),--keep $(KEEP)) \
	$(if $(OUT),--out "$(OUT)") $(if $(filter 0,$(RESUME)),--restart)
sources = $(if $(SOURCE),--source $(SOURCE)) $(if $(FILE),--file "$(FILE)")

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long smoke fuzz torture lint types page runs figures test-browser bench bench-quick nets \
	tables table-upper-bounds \
	table-memory table-idd twins clean data-voc data-nyud data-siftflow data-context data-cityscapes data-idd \
	data-camvid data-idd-lite data-mine camvid idd-lite $(classifiers) $(torchvision) \
	torchvision-alexnet torchvision-googlenet $(stages) $(zoo) studies $(addprefix study-,$(studies))

help:  ## list the targets
	@grep -hE '^[a-z0-9-]+( [a-z0-9-]+)*:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | \
		while IFS="$$(printf '\t')" read -r names text; do \
			case $$names in *\ *) printf '  %s\n' "$$names"; names=;; esac; \
			printf '  %-20s %s\n' "$$names" "$$text"; done
	@echo
	@echo "NET-DATASET trains and scores a stage, as make fcn32s-voc; the nets of each dataset:"
	@$(foreach d,$(datasets),printf '  %-20s %s\n' "$d" "$(call nets_of,$d)";)
	@echo
	@echo "idd-NET trains and scores a net of the driving-scene zoo, on idd or on DATASET:"
	@echo "  $(zoo)"
	@echo "weights-NET-DATASET fetches what the authors published, as make weights-fcn8s-voc;"
	@echo "  SOURCE=NAME, FILE=FILE: from one source only, a local copy (docs/weights.md)"
	@echo "study-NAME runs one of the studies: $(studies)"
	@echo
	@echo "Options of the stages:"
	@echo "  DATA=DIR             its data; voc, camvid, mine: any folder in VOC layout (train, val)"
	@echo "  WEIGHTS=FILE         what it starts from (color-hha: COLOR_FILE,HHA_FILE)"
	@echo "  ITERS=N LR=RATE      iterations and base learning rate, if not the published ones"
	@echo "  EPOCHS=N             of idd-NET, in place of ITERS"
	@echo "  REGIME=heavy         an image a step, the loss summed; accumulate: 20, and averaged;"
	@echo "                       short: Adam, for hours"
	@echo "  OUT=DIR              folder of the run (runs/DATASET-NET): another one for other data"
	@echo "  WIDTH=0.125          scales the channels: small nets"
	@echo "  SNAPSHOT=N           iterations between two snapshots, each of which is scored"
	@echo "  GPU=0, GPU=cpu       by default the GPU if there is one"
	@echo "  GPUS=4, GPUS=0,1,3   several GPUs, a process each, or all; NPROC=2: processes on the CPU"
	@echo "  GRADIENTS=bf16       between processes in half the bytes; by default fp32"
	@echo "  RESTARTS=3           start the processes again, so often, where one is lost"
	@echo "  KEEP=N               keep the last N snapshots and the best; by default all"
	@echo "  PRECISION=bf16       or tf32 (on a GPU); by default fp32, as Caffe"
	@echo "  RECOMPUTE=1          less memory, more time: activations are computed twice"
	@echo "  RESUME=0             start again; by default it continues from its newest snapshot"

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable ".[test]"
	@touch $@

setup: $(READY)  ## make the environment .venv, with exact versions (two minutes); every target does so

demo: $(READY)  ## pretrain, transplant, train 32s -> 16s -> 8s on synthetic images, score, draw (SEEDS=3)
	$(RUN) -m solvers.demo $(if $(SEEDS),--seeds $(SEEDS))

twins: $(READY)  ## every other dataset's stages in small, on its synthetic twin; fills `make tables`
	$(RUN) -m solvers.twins

# All of them: a process for each core, each with one thread; test files go whole to a process, for
# their fixtures, and in order, for test_fork.py's sake (tests/conftest.py). The start of such
# processes costs more than one file takes.
processes = -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
test: $(READY)  ## run the tests on all cores (4 at most), or those of T=FILE or T=FOLDER
	$(if $(T),$(RUN) -m pytest $(T),OMP_NUM_THREADS=1 $(RUN) -m pytest $(processes))

test-long: $(READY)  ## run the tests that take most of a minute each
	$(RUN) -m pytest -m long

smoke: $(READY)  ## run a fast test of each part, in some ten seconds
	$(RUN) -m pytest -m smoke

fuzz: $(READY)  ## damage files and call nets at random for longer: FUZZ=N times as often (100)
	FUZZ=$(or $(FUZZ),100) $(RUN) -m pytest -m fuzz

torture: $(READY)  ## kill trainings at KILLS=100 random moments; they have to end in the same bits
	PYTHONPATH=.:tests:layers OMP_NUM_THREADS=1 TORCH_CPP_LOG_LEVEL=ERROR $(RUN) -m support.torture $(KILLS)

lint: $(READY)  ## check style and format
	$(RUN) -m ruff check . && $(RUN) -m ruff format --check .

# infer.py by stdin: as a file it would be the same module as the package infer.
types: $(READY)  ## check types
	$(RUN) -m mypy && $(RUN) -m mypy /dev/stdin < infer.py

page: $(READY)  ## a page in the browser that segments photographs, and explains the net (WEIGHTS=, HOST=, PORT=)
	$(RUN) infer.py --explain $(if $(WEIGHTS),--weights "$(WEIGHTS)") $(if $(HOST),--host $(HOST)) \
		$(if $(PORT),--port $(PORT))

runs: $(READY)  ## an index of all runs, runs/index.html: a table and a figure
	$(RUN) -m solvers.runs_index

figures: $(READY)  ## the paper's Figures 3 to 6 of our nets, to runs/figures (WEIGHTS=, DATA=FOLDER)
	$(RUN) -m figures $(if $(WEIGHTS),--weights "$(WEIGHTS)") $(if $(DATA),--data "$(DATA)") \
		$(if $(OUT),--out "$(OUT)")

$(VENV)/.browser: $(READY)
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable ".[browser]"
	@touch $@

test-browser: $(VENV)/.browser  ## test the page in Chromium, where the system has it (apt-get install chromium)
	$(RUN) -m pytest tests/page/test_browser.py

$(VENV)/.bench: $(READY)
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable ".[bench]"
	@touch $@

bench: $(VENV)/.bench  ## time and memory beside other engines (half an hour), to bench/results.md
	$(RUN) -m bench

bench-quick: $(READY)  ## the essence of it on a smaller net and image, in two minutes; only prints
	$(RUN) -m bench --quick

nets: $(READY)  ## write the prototxt of every net to runs/nets
	$(RUN) -m nets --out runs/nets

tables: $(READY)  ## print the paper's tables, published and ours, to runs/tables (MEASURE=1: times too)
	$(RUN) -m tables $(if $(MEASURE),--measure) $(if $(GPU),--gpu $(GPU))

studies: $(READY)  ## the paper's studies on synthetic images, in small (DATASET=, DATA=, WEIGHTS=, SEEDS=, ...)
	$(RUN) -m studies all $(study_options)

$(addprefix study-,$(studies)): $(READY)
	$(RUN) -m studies $(@:study-%=%) $(study_options)

table-upper-bounds: $(READY)  ## Appendix A from the labels of DATA=FOLDER in VOC layout (SPLIT=val, READING=)
	$(RUN) -m tables.upper_bounds $(if $(DATA),--data "$(DATA)") $(if $(SPLIT),--split $(SPLIT)) \
		$(if $(READING),--reading $(READING))

table-memory: $(READY)  ## memory against image size, beside the published, to runs/tables (WIDTH=, GPU=)
	$(RUN) -m tables.memory $(if $(WIDTH),--width $(WIDTH)) $(if $(GPU),--gpu $(GPU))

table-idd: $(READY)  ## print the driving-scene report's Table 1, published and ours; draw one image by every net
	$(RUN) -m tables.driving_scenes

data-voc data-nyud data-siftflow data-context data-cityscapes data-idd data-camvid data-idd-lite data-mine: $(READY)  ## fetch, convert, split and check a dataset, write its report (mine, camvid, idd-lite: DATA=FOLDER)
	$(RUN) -m data.prepare $(@:data-%=%) $(if $(DATA),--data "$(DATA)")

caffenet-fcn vgg16-fcn vgg19-fcn googlenet-fcn squeezenet-fcn: $(READY)  ## fetch a classifier (SOURCE=, FILE=), make its fc layers convolutions: the first stages start from it
	$(RUN) -m surgery.ilsvrc $(@:-fcn=) $(sources)

torchvision-alexnet torchvision-googlenet: $(READY)  ## fetch torchvision's classifiers (SOURCE=, FILE=), as a caffemodel and its prototxt
	$(RUN) -m surgery.torchvision_classifiers $(@:torchvision-%=%) $(sources)

weights-%: $(READY)
	$(RUN) -m surgery.weights $* $(sources)

deeplabv3-resnet101 fcn-resnet50 fcn-resnet101: $(READY)  ## torchvision's weights FILE=NAME.pth as a caffemodel: idd-transfer starts from the first
	$(RUN) -m surgery.torchvision $@ "$(FILE)"

$(zoo): $(READY)
	$(RUN) -m solvers.train_stage $(@:idd-%=%) --dataset $(or $(DATASET),idd) $(options)

$(stages): $(READY)
	$(RUN) -m solvers.train_stage $(@:-$(dataset)=) --dataset $(dataset) $(options)

fcn32s-mine fcn32s-squeezenet-mine: data-mine

camvid idd-lite: $(READY)  ## FCN-SqueezeNet from the repository's own: 32s, 16s, 8s (DATA=FOLDER)
	$(RUN) -m surgery.trunk models/fcn-squeezenet-voc.caffemodel runs/fcn-squeezenet-trunk.caffemodel
	$(MAKE) fcn32s-squeezenet-$@ WEIGHTS=runs/fcn-squeezenet-trunk.caffemodel
	$(MAKE) fcn16s-squeezenet-$@
	$(MAKE) fcn8s-squeezenet-$@

clean:  ## remove the environment; runs/ and data/ stay
	rm -rf $(VENV)
