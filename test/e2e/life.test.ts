import { describeLife } from "./life.ts";

describeLife("a whole life");
