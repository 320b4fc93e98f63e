import { holdInWeather } from "./testing/read-weather.ts";

holdInWeather(1);
