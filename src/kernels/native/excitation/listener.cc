#include "excitation/listener.h"

#include "excitation/listening.h"

Listener* new_listener(const Hearing& hearing) { return new Listener(hearing); }
void delete_listener(Listener* l) { delete l; }
void copy_listener(Listener* to, const Listener* from) { *to = *from; }
void listener_frame(Listener* l, const double* coefficients, double scale) {
  l->frame(coefficients, scale);
}
void listener_cues(Listener* l, int position, float* cues) {
  l->predict(position);
  l->cues(cues);
}
void listener_follow(Listener* l, int code) { l->follow(code); }
