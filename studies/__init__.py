"""The paper's studies (sections 3.1 to 4.3): what it claims of training, beside what is seen."""
