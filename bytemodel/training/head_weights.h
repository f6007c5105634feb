// How much each head counts. `own` scales what its unembedding learns, `trunk` what it sends back into the trunk: in the
// cooldown the extra heads go on learning while the trunk listens to the first one alone.
#pragma once

#include <vector>

namespace octet::bytemodel::training {

struct HeadWeights {
  std::vector<double> own;    // [n_predict]; 0 = the head is left out
  std::vector<double> trunk;  // [n_predict]; 0 where `own` is 0
};

}  // namespace octet::bytemodel::training
